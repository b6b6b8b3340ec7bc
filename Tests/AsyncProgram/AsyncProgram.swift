import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A program for the tests of what async/await does to a whole process; see `AsyncProgramTests`.
@main
struct AsyncProgram {
  static func main() throws {
    switch CommandLine.arguments.dropFirst().first {
    case "served": try CallbackProgram.run(serving: true)
    case "unserved": try CallbackProgram.run(serving: false)
    case "together": Together.main()
    case "echo": EchoServer.main()
    case "everything": Everything.main()
    default: Rows.main()
    }
  }
}

/// A program in callbacks, which starts a task of the main actor in one of them.
@MainActor
enum CallbackProgram {
  static func run(serving: Bool) throws {
    let loop = try EventLoop()
    if serving { try loop.serveMainActor() }
    let counted = Counted()
    LoopTimer.after(.milliseconds(1), on: loop) { _ in
      // Inferred to be of the main actor, and so it runs when that is served.
      Task {
        say("the task runs")
        await counted.add()
        say("counted \(await counted.count)")
        loop.stop()
      }
    }
    // The end where nobody serves the main actor, and otherwise too late to matter.
    LoopTimer.after(serving ? .seconds(60) : .milliseconds(50), on: loop) { _ in
      say("the task has not run")
      loop.stop()
    }
    loop.run()
    loop.endAndClose()
  }
}

/// An actor as any async library may have one: it knows nothing of the loop.
actor Counted {
  private(set) var count = 0
  func add() { count += 1 }
}

/// What a program of the main actor has of its own.
@MainActor
enum Screen {
  private(set) static var lines: [String] = []
  static func show(_ line: String) { lines.append(line) }
}

/// A callback, an actor of somebody else's and the main actor, each of which has the others work.
struct Together: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let counted = Counted()
    let listener = try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) {
      _, connection in
      connection.start(
        .init(onData: { connection, bytes in
          let text = String(decoding: bytes)
          loop.task {
            await counted.add()
            await Screen.show(text)
            let shown = await Screen.lines.count
            let count = await counted.count
            try await connection.write("\(text): \(count) counted, \(shown) shown\n")
            let behind = Task { @MainActor in Screen.show("behind") }
            await behind.value
            connection.closeGracefully()
          }
        }))
    }
    for number in 1...20 {
      let client = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await client.write("\(number)")
      var answer: [UInt8] = []
      while try await client.read(into: &answer) != nil {}
      client.close()
      say(String(decoding: answer.dropLast(), as: UTF8.self))
    }
    say("threads \(threadCount())")
  }
}

/// An echo server that ends gracefully on a signal; idle clients have half a second to leave.
struct EchoServer: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
    loop.task {
      say("signal \(try await loop.signal(SIGTERM))")
      listener.close()
      try await loop.sleep(for: .milliseconds(500))
      say("deadline")
      loop.stop()
    }
    say("listening on \(listener.localAddress)")
    try await listener.serve { connection in
      for try await bytes in connection.chunks { try await connection.write(bytes) }
    }
    say("all have left")
  }
}

/// A line of standard output, at once.
func say(_ line: String) {
  let bytes = Array("\(line)\n".utf8)
  _ = write(STDOUT_FILENO, bytes, bytes.count)
}

extension String {
  /// Text that came as bytes.
  init(decoding bytes: RawSpan) {
    self = bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }
}
