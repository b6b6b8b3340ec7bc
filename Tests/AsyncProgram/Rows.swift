import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Does what a row of the article's table of threads names, again and again beside a server under
/// load, and says how many threads the process has then.
struct Rows: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
    let server = loop.task {
      try await listener.serve { connection in
        for try await bytes in connection.chunks { try await connection.write(bytes) }
      }
    }
    let address = listener.localAddress
    let clients = (0..<8).map { _ in
      loop.task {
        let client = try await TCPConnection.connect(to: address, on: loop)
        defer { client.close() }
        var answered = 0
        while !Task.isCancelled {
          try await client.write("ask")
          guard try await client.read(exactly: 3) != nil else { break }
          answered += 1
        }
        return answered
      }
    }
    for name in CommandLine.arguments.dropFirst() {
      guard let row = Self.rows[name] else { throw UVError(.invalidArgument, during: .wait) }
      for _ in 0..<20 { try await row(loop, address) }
    }
    say("threads \(threadCount())")
    for client in clients { client.cancel() }
    for client in clients {
      if case .success(let answered) = await client.result, answered < 20 { say("no load") }
    }
    listener.close()
    try await server.value
  }

  private typealias Row = @LoopActor (EventLoop, SocketAddress) async throws -> Void

  @LoopActor private static let rows: [String: Row] = [
    "own": { loop, address in
      let client = try await TCPConnection.connect(to: address, on: loop)
      try await client.write("x")
      _ = try await loop.withTimeout(.seconds(60)) { try await client.read(exactly: 1) }
      client.closeGracefully()
      await client.finished()
      try await loop.sleep(for: .milliseconds(1))
    },
    "signal": { loop, _ in
      let waiting = loop.task { try await loop.signal(SIGUSR1) }
      await Task.yield()
      kill(getpid(), SIGUSR1)
      _ = try await waiting.value
    },
    "tasks": { loop, _ in
      try await loop.task { try await loop.sleep(for: .zero) }.value
      await withTaskGroup(of: Void.self) { group in
        group.addTask { await Task.yield() }
        group.addImmediateTask { await Task.yield() }
      }
      async let one = doubled(1)
      async let two = doubled(2)
      _ = await one + two
    },
    "concurrency": { loop, _ in
      await Task.yield()
      let (stream, continuation) = AsyncStream.makeStream(of: Int.self)
      loop.task {
        for number in 1...3 {
          continuation.yield(number)
          await Task.yield()
        }
        continuation.finish()
      }
      for await _ in stream {}
      let counted = Counted()
      await counted.add()
      try await loop.clock.sleep(for: .milliseconds(1))
      await withCheckedContinuation { $0.resume() }
      _ = await concurrent(1)
    },
    "main actor": { loop, _ in
      await MainActor.run { Screen.show("") }
      let task = Task { @MainActor in Screen.show("") }
      await task.value
    },
    "resolver, numeric": { loop, _ in
      _ = try await Resolver.resolve("127.0.0.1", port: 1, on: loop)
    },
    "resolver": { loop, _ in _ = try await Resolver.resolve("localhost", port: 1, on: loop) },
    "Task": { loop, _ in
      _ = await Task { await Task.yield() }.value
      _ = try await Task { try await loop.sleep(for: .milliseconds(1)) }.value
    },
    "Task.detached": { _, _ in await Task.detached { await Task.yield() }.value },
    "Task.sleep": { _, _ in try await Task.sleep(for: .milliseconds(1)) },
  ]

  private static func doubled(_ number: Int) async -> Int {
    await Task.yield()
    return 2 * number
  }

  @concurrent private static func concurrent(_ number: Int) async -> Int { number }
}

/// Threads of this process, as the system counts them.
func threadCount() -> Int {
  guard let file = fopen("/proc/self/status", "r") else { return -1 }
  defer { fclose(file) }
  var line = [CChar](repeating: 0, count: 256)
  while fgets(&line, Int32(line.count), file) != nil {
    let text = String(
      decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    if text.hasPrefix("Threads:") {
      return Int(text.dropFirst(8).filter(\.isNumber)) ?? -1
    }
  }
  return -1
}
