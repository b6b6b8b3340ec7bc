import Testing
import UVNet
import UVNetTestKit

@Suite struct AsyncFramesTests {
  @Test func `frames that came together are given in one callback, without a wait`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let calls = CallRecord()
      let reader = loop.task {
        for try await line in near.frames(using: .lines) {
          // Another task's turn would come in between, if this one were suspended.
          loop.task { calls.record("after \(line)") }
          calls.record(line)
        }
      }
      await Task.yield()
      try await far.write("a\nb\r\nc\n")
      far.shutdown()
      try await reader.value
      #expect(calls.names == ["a", "b", "c", "after a", "after b", "after c"])
    }
  }

  @Test func `what follows the last frame is left for other reads`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      try await far.write("length 5\r\nhellogoodbye\n")
      var frames = near.frames(using: .lines).makeAsyncIterator()
      #expect(try await frames.next() == "length 5")
      #expect(try await near.read(exactly: 5) == Array("hello".utf8))
      #expect(try await frames.next() == "goodbye")
      far.shutdown()
      #expect(try await frames.next() == nil)
      #expect(try await frames.next() == nil)
    }
  }

  @Test func `a frame in many pieces is put together, and a long one of many reads`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let writer = loop.task {
        for byte in "split\r\n".utf8 {
          try await far.write([byte])
          try await loop.sleep(for: .milliseconds(1))
        }
        try await far.write(String(repeating: "x", count: 3 << 20))
        try await far.write("\nend\n")
        far.shutdown()
      }
      var lengths: [Int] = []
      for try await line in near.frames(using: .lines, maximumLength: 4 << 20) {
        lengths.append(line.utf8.count)
      }
      #expect(lengths == [5, 3 << 20, 3])
      try await writer.value
    }
  }

  @Test func `a frame that is too long ends the sequence before all of it has come`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let writer = loop.task {
        while true { try await far.write([UInt8](repeating: 1, count: 1 << 16)) }
      }
      var frames = near.frames(using: .lines, maximumLength: 1 << 20).makeAsyncIterator()
      let error = await #expect(throws: FrameError<Never>.self) { try await frames.next() }
      #expect(error == .tooLong(maximumLength: 1 << 20))
      #expect(near.bytesRead < 2 << 20)
      #expect(try await frames.next() == nil)
      #expect(!near.isClosing)
      near.close()
      await #expect(throws: UVError.self) { try await writer.value }
    }
  }

  @Test func `an end inside a frame, a reset and a close are errors of their own`() async throws {
    try await AsyncHarness.run { loop in
      @LoopActor func error(
        _ end: @escaping @LoopActor (_ near: TCPConnection, _ far: TCPConnection) -> Void
      ) async throws -> FrameError<MalformedLength>? {
        let (near, far) = try await pair(on: loop)
        let reader = loop.task {
          do throws(FrameError<MalformedLength>) {
            for try await frame in near.frames(using: .varint32) { #expect(frame == [7]) }
            return FrameError<MalformedLength>?.none
          } catch {
            return error
          }
        }
        try await far.write([1, 7, 2, 1])
        while near.bytesRead < 4 { try await loop.sleep(for: .milliseconds(1)) }
        end(near, far)
        return await reader.value
      }
      #expect(try await error { $1.shutdown() } == .truncated(byteCount: 2))
      #expect(
        try await error { $1.reset() } == .read(UVError(.connectionReset, during: .read)))
      let closed = try await error { near, _ in near.close() }
      #expect(closed == .read(UVError(.canceled, during: .read)))
    }
  }

  @Test func `cancelling a task that waits for a frame loses no byte of it`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let canceled = FrameError<MalformedLength>.read(UVError(.canceled, during: .read))
      let frame = [UInt8](repeating: 5, count: 100)
      var bytes = [UInt8(frame.count)] + frame
      for _ in 0..<10 { bytes += [UInt8(frame.count)] + frame }
      var given = 0
      for cut in stride(from: 0, to: bytes.count, by: 7) {
        try await far.write(Array(bytes[cut..<min(cut + 7, bytes.count)]))
        let reader = loop.task {
          var count = 0
          do throws(FrameError<MalformedLength>) {
            for try await payload in near.frames(using: .varint32) {
              #expect(payload == frame)
              count += 1
            }
          } catch {
            #expect(error == canceled)
          }
          return count
        }
        while near.bytesRead < min(cut + 7, bytes.count) {
          try await loop.sleep(for: .milliseconds(1))
        }
        reader.cancel()
        given += await reader.value
      }
      #expect(given == 11)
    }
  }

  @Test func `an iterator goes on after a cancelled wait`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      try await far.write("on")
      var frames = near.frames(using: .lines).makeAsyncIterator()
      let error = await #expect(throws: UVError.self) {
        try await loop.withTimeout(.milliseconds(5)) { _ = try await frames.next() }
      }
      #expect(error?.code == .timedOut)
      try await far.write("e\n")
      #expect(try await frames.next() == "one")
    }
  }

  @Test func `a server of frames serves many clients, whose frames come in pieces`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let server = loop.task {
        try await listener.serve { connection in
          for try await payload in connection.frames(using: .varint32) {
            try await connection.write([UInt8(payload.count)] + payload.reversed())
          }
        }
      }
      await withDiscardingTaskGroup { group in
        for client in 0..<8 {
          group.addImmediateTask { @LoopActor in
            do {
              let connection = try await TCPConnection.connect(to: listener.localAddress, on: loop)
              var random = SplitMix64(seed: UInt64(client))
              var frames = connection.frames(using: .varint32).makeAsyncIterator()
              for length in 0..<50 {
                let payload = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
                var rest = [UInt8(length)] + payload
                while !rest.isEmpty {
                  let count = Int.random(in: 1...rest.count, using: &random)
                  try await connection.write(Array(rest[..<count]))
                  rest.removeFirst(count)
                  await Task.yield()
                }
                #expect(try await frames.next() == payload.reversed())
              }
              connection.closeGracefully()
            } catch { Issue.record(error) }
          }
        }
      }
      listener.close()
      try await server.value
    }
  }
}
