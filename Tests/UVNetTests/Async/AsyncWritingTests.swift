import Testing
import UVNet
import UVNetTestKit

@Suite struct AsyncWritingTests {
  private static let piece = [UInt8](repeating: 3, count: 65536)

  @Test func `bytes and texts of every kind are written in order`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let name = "three"
      let bytes: [UInt8] = [52]
      try await near.write("one,")
      try await near.write([116, 119, 111, 44])
      try await near.write("\(name),")
      try await near.write(bytes.span)
      try await near.write(bytes.span.bytes)
      #expect(try await far.read(exactly: 16) == Array("one,two,three,44".utf8))
    }
  }

  @Test func `a writer waits only while the peer is slow, and every byte arrives`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let written = Counter()
      let writer = loop.task {
        while written.value < 200 {
          try await near.write(Self.piece)
          written.value += 1
          #expect(near.pendingBytes <= 2 * 65536)
        }
        near.shutdown()
      }
      while near.isWritable { try await loop.sleep(for: .milliseconds(1)) }
      let before = written.value
      #expect(before < 200)
      var count = 0
      while let some = try await far.read({ $0.byteCount }) { count += some }
      #expect(count == 200 * 65536)
      try await writer.value
    }
  }

  @Test func `a cancelled writer's bytes are still on their way`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let written = Counter()
      let writer = loop.task {
        while true {
          written.value += 1
          try await near.write(Self.piece)
        }
      }
      while near.isWritable { try await loop.sleep(for: .milliseconds(1)) }
      writer.cancel()
      let error = await #expect(throws: UVError.self) { try await writer.value }
      #expect(error == UVError(.canceled, during: .write))
      near.shutdown()
      var count = 0
      while let some = try await far.read({ $0.byteCount }) { count += some }
      #expect(count == written.value * 65536)
    }
  }

  @Test func `several tasks wait for a slow peer, and all go on`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      while near.isWritable { try near.write(Self.piece, completion: nil) }
      let waiting = (0..<5).map { _ in loop.task { try await near.drained() } }
      let reader = loop.task { while try await far.read({ $0.byteCount }) != nil {} }
      for task in waiting { try await task.value }
      #expect(near.isWritable)
      try await near.drained()
      near.shutdown()
      try await reader.value
    }
  }

  @Test func `a cancelled wait for a slow peer leaves the others waiting`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      while near.isWritable { try near.write(Self.piece, completion: nil) }
      let calls = CallRecord()
      let waiting = (0..<3).map { number in
        loop.task {
          try await near.drained()
          calls.record("\(number)")
        }
      }
      await Task.yield()
      waiting[1].cancel()
      let error = await #expect(throws: UVError.self) { try await waiting[1].value }
      #expect(error == UVError(.canceled, during: .write))
      #expect(calls.names == [])
      let reader = loop.task { while try await far.read({ $0.byteCount }) != nil {} }
      try await waiting[0].value
      try await waiting[2].value
      #expect(calls.names.sorted() == ["0", "2"])
      near.shutdown()
      try await reader.value
    }
  }

  @Test func `waiting for the close is not ended by a cancellation`() async throws {
    try await AsyncHarness.run { loop in
      let (near, _) = try await pair(on: loop)
      let waiting = loop.task {
        await near.finished()
        #expect(Task.isCancelled)
        #expect(near.closeReason == .local)
      }
      await Task.yield()
      waiting.cancel()
      try await loop.sleep(for: .milliseconds(1))
      near.close()
      await waiting.value
    }
  }

  @Test func `a writer hears what the connection failed with`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let writer = loop.task { while true { try await near.write(Self.piece) } }
      while near.isWritable { try await loop.sleep(for: .milliseconds(1)) }
      far.reset()
      let error = await #expect(throws: UVError.self) { try await writer.value }
      #expect([.connectionReset, .brokenPipe].contains(error?.code))
    }
  }

  @Test func `a writer that waits goes on when the stream is ended meanwhile`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      while near.isWritable { try near.write(Self.piece, completion: nil) }
      let writer = loop.task { try await near.write("last") }
      await Task.yield()
      near.shutdown()
      while try await far.read({ $0.byteCount }) != nil {}
      try await writer.value
    }
  }

  @Test func `tasks write to a connection that callbacks read`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let calls = CallRecord()
      near.start(
        .init(
          onData: { connection, bytes in calls.record("\(bytes.byteCount)") },
          onClose: { _, reason in calls.record("\(reason)") }))
      let writer = loop.task {
        for _ in 0..<200 { try await near.write(Self.piece) }
        near.closeGracefully()
        await near.finished()
        calls.record("finished")
      }
      try await far.write("abc")
      while try await far.read({ $0.byteCount }) != nil {}
      far.close()
      try await writer.value
      #expect(calls.names == ["3", "local", "finished"])
    }
  }
}
