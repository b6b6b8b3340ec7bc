import Synchronization
import Testing
import UVNet
import UVNetTestKit

@Suite struct AsyncReadingTests {
  @Test func `a server echoes what its client sends`() async throws {
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(
        at: SocketAddress(.loopback, port: 0), on: loop)
      let server = loop.task {
        try await listener.serve { connection in
          for try await bytes in connection.chunks { try await connection.write(bytes) }
        }
      }
      let client = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await client.write("hello")
      let answer = try await client.read(exactly: 5)
      #expect(answer == Array("hello".utf8))
      client.shutdown()
      #expect(try await client.read { $0.byteCount } == nil)
      client.close()
      await client.finished()
      listener.close()
      try await server.value
    }
  }

  @Test func `a task can be cancelled while it reads, and the bytes are read by the next`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let reader = loop.task { () async throws -> Int? in try await near.read { $0.byteCount } }
      reader.cancel()
      let error = await #expect(throws: UVError.self) { try await reader.value }
      #expect(error == UVError(.canceled, during: .read))
      try await far.write("later")
      #expect(try await near.read(exactly: 5) == Array("later".utf8))
    }
  }

  @Test func `a task that was cancelled before reads what is there, and does not wait`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      try await far.write("now")
      #expect(try await near.read(exactly: 1) == Array("n".utf8))
      let reader = loop.task {
        withUnsafeCurrentTask { $0?.cancel() }
        #expect(try await near.read { $0.array } == Array("ow".utf8))
        _ = try await near.read { $0.array }
      }
      let error = await #expect(throws: UVError.self) { try await reader.value }
      #expect(error?.code == .canceled)
    }
  }

  @Test func `a cancelled read of many bytes takes none`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      let reader = loop.task { _ = try await near.read(exactly: 100_000) }
      try await far.write([UInt8](repeating: 1, count: 70_000))
      try await loop.sleep(for: .milliseconds(5))
      reader.cancel()
      await #expect(throws: UVError.self) { try await reader.value }
      try await far.write([UInt8](repeating: 2, count: 70_000))
      let bytes = try #require(try await near.read(exactly: 140_000))
      #expect(bytes == [UInt8](repeating: 1, count: 70_000) + [UInt8](repeating: 2, count: 70_000))
    }
  }

  @Test func `the end of a stream is nil, and inside a wanted number of bytes an error`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      try await far.write("abc")
      far.shutdown()
      let error = await #expect(throws: UVError.self) { try await near.read(exactly: 4) }
      #expect(error == UVError(.endOfFile, during: .read))
      #expect(try await near.read(exactly: 3) == Array("abc".utf8))
      #expect(try await near.read(exactly: 3) == nil)
      var buffer: [UInt8] = [9]
      #expect(try await near.read(into: &buffer) == nil)
      #expect(buffer == [9])
      #expect(!near.isClosing)
    }
  }

  @Test func `bytes before a reset are read, then the reset is thrown`() async throws {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      try await far.write("abc")
      #expect(try await near.read(exactly: 1) == Array("a".utf8))
      far.reset()
      await near.finished()
      #expect(try await near.read { $0.array } == Array("bc".utf8))
      let error = await #expect(throws: UVError.self) { try await near.read { $0.array } }
      #expect(error == UVError(.connectionReset, during: .read))
    }
  }

  @Test func `closing a connection wakes the task that reads it, and later reads say why`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let (near, _) = try await pair(on: loop)
      let reader = loop.task { _ = try await near.read { $0.byteCount } }
      await Task.yield()
      near.close()
      let error = await #expect(throws: UVError.self) { try await reader.value }
      #expect(error == UVError(.canceled, during: .read))
      let late = await #expect(throws: UVError.self) { try await near.read { $0.byteCount } }
      #expect(late == UVError(.badDescriptor, during: .read))
      let write = await #expect(throws: UVError.self) { try await near.write("x") }
      #expect(write == UVError(.badDescriptor, during: .write))
    }
  }

  @Test func `bytes that nobody reads are kept up to a bound, then the peer is slowed down`()
    async throws
  {
    try await AsyncHarness.run { loop in
      let (near, far) = try await pair(on: loop)
      try await far.write("x")
      #expect(try await near.read(exactly: 1) == Array("x".utf8))
      let size = 64 << 20
      let writer = loop.task {
        for _ in 0..<size >> 16 { try await far.write([UInt8](repeating: 5, count: 1 << 16)) }
        far.shutdown()
      }
      while !near.isReadingPaused { try await loop.sleep(for: .milliseconds(1)) }
      #expect(near.bytesRead <= 1 + 2 * 65536)
      var count = 0
      while let some = try await near.read({ $0.byteCount }) { count += some }
      #expect(count == size)
      try await writer.value
    }
  }

  @Test func `two tasks that read one connection are a mistake in the program`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try EventLoop.run { loop in
        let (near, _) = try await pair(on: loop)
        loop.task { _ = try await near.read { $0.byteCount } }
        await Task.yield()
        _ = try await near.read { $0.byteCount }
      }
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.contains("mistake in the program: two tasks read a connection at the same time"))
  }

  @Test func `a task that reads a connection of callbacks is a mistake in the program`() async {
    let result = await #expect(
      processExitsWith: .failure, observing: [\.standardErrorContent]
    ) {
      try EventLoop.run { loop in
        let (near, far) = try await pair(on: loop)
        near.start(.init(onData: { _, _ in }))
        far.close()
        _ = try await near.read { $0.byteCount }
      }
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.contains("mistake in the program: a task reads a connection that callbacks read"))
  }

  @Test func `connections and tasks that are dropped stop nobody`() async throws {
    try await AsyncHarness.run { loop in
      for _ in 0..<20 {
        let (near, far) = try await pair(on: loop)
        try await far.write("dropped")
        _ = try await near.read { _ in }
        _ = far.chunks.makeAsyncIterator()
        loop.task { _ = try await near.read { $0.byteCount } }
      }
    }
  }

  @Test(arguments: [false, true])
  func `ten thousand reads cancelled by other threads lose no byte`(scoped: Bool) async throws {
    try await AsyncHarness.run(watchdog: .seconds(600)) { loop in
      let (near, far) = try await pair(on: loop)
      let received = Counter()
      let rounds = 10_000
      let writer = loop.task {
        for number in 0..<rounds {
          try await far.write([UInt8(truncatingIfNeeded: number)])
          if number % 3 == 0 { try await loop.sleep(for: .zero) }
        }
        far.shutdown()
      }
      let canceller = Canceller()
      defer { canceller.stop() }
      var ended = false
      var canceled = 0
      while !ended {
        let reader = loop.task { () async throws -> Bool in
          @LoopActor func read() async throws -> Bool {
            try await near.read { bytes in
              for index in 0..<bytes.byteCount {
                #expect(
                  bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)
                    == UInt8(truncatingIfNeeded: received.value))
                received.value += 1
              }
              return true
            } ?? false
          }
          return scoped ? try await near.scoped { try await read() } : try await read()
        }
        await Task.yield()
        canceller.cancel(reader)
        do { ended = try await !reader.value } catch {
          #expect(error as? UVError == UVError(.canceled, during: .read))
          canceled += 1
        }
      }
      #expect(received.value == rounds)
      #expect(canceled > 0)
      try await writer.value
      // The rest of the tasks, which wait for bytes that never come.
      let (idle, _) = try await pair(on: loop)
      while canceled < rounds {
        let reader = loop.task { try await idle.read { $0.byteCount } }
        canceller.cancel(reader)
        await #expect(throws: UVError.self) { try await reader.value }
        canceled += 1
      }
    }
  }
}

/// Two threads that cancel the tasks they are given.
final class Canceller: Sendable {
  private let state = Mutex<(tasks: [Cancellable], isOver: Bool)>(([], false))
  private typealias Cancellable = @Sendable () -> Void
  private let behind = Atomic(0)

  init() {
    for _ in 0..<2 {
      Thread.detach { [self] in
        while true {
          let (tasks, isOver) = state.withLock { state in
            let tasks = state.tasks
            state.tasks = []
            return (tasks, state.isOver)
          }
          for cancel in tasks { cancel() }
          if isOver { return }
          if tasks.isEmpty { sched_yield() }
        }
      }
    }
  }

  /// Has a thread cancel a task, after it has let others run so many times.
  func cancel<R, E: Error>(_ task: Task<R, E>, after turns: Int = 0) {
    behind.add(1, ordering: .relaxed)
    state.withLock {
      $0.tasks.append { [self] in
        for _ in 0..<turns { sched_yield() }
        task.cancel()
        behind.subtract(1, ordering: .relaxed)
      }
    }
  }

  /// Waits until the threads, which a busy machine may hold up, can cancel in time again.
  @LoopActor func catchUp(on loop: EventLoop) async throws {
    while behind.load(ordering: .relaxed) > 16 { try await loop.sleep(for: .milliseconds(1)) }
  }

  func stop() { state.withLock { $0.isOver = true } }
}

/// Two ends of a connection.
@LoopActor func pair(
  on loop: EventLoop, limits: StreamConnection.WriteLimits = .init()
) async throws -> (TCPConnection, TCPConnection) {
  let listener = try AsyncListener.listen(
    at: SocketAddress(.loopback, port: 0), on: loop, options: .init(writeLimits: limits))
  defer { listener.close() }
  let near = try await TCPConnection.connect(
    to: listener.localAddress, on: loop, writeLimits: limits)
  let far = try #require(try await listener.accept())
  return (near, far)
}
