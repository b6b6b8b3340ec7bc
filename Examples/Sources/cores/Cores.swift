import UVNet

/// `cores ADDRESS [LOOPS]` serves with a loop on each core, all at one address.
///
/// The system spreads the connections among them. Whatever is sent is answered with the number of the
/// loop that serves it.
///
/// The program ends on SIGTERM, and says what each loop has done.
@main
struct Cores {
  static func main() throws {
    let loop = try EventLoop()
    let arguments = CommandLine.arguments.dropFirst()
    let address = try SocketAddress(
      parsing: arguments.first ?? "127.0.0.1:7007", allowPortZero: true)
    let count = arguments.dropFirst().first.flatMap(Int.init) ?? LoopThread.availableCores

    // The main thread's loop is number 0, and chooses the port where none is given.
    let listener = try listen(number: 0, at: address, on: loop)
    let shared = listener.localAddress
    let workers = try (1..<max(count, 1)).map { try LoopThread(name: "loop \($0)") }
    let starting = Starting(workers.count) { print("listening on \(shared)") }
    let bound = LoopBound(starting, to: loop)
    for (index, worker) in workers.enumerated() {
      worker.remote.execute { loop in
        do {
          _ = try listen(number: index + 1, at: shared, on: loop)
          bound.remote.execute { bound.value(on: $0).oneHasStarted() }
        } catch {
          print("loop \(index + 1): \(error)")
        }
      }
    }

    try SignalSource.on(.terminate, on: loop) { _ in
      for (index, worker) in workers.enumerated() {
        worker.remote.execute { report(number: index + 1, $0.counters) }
        worker.stop()
      }
      report(number: 0, loop.counters)
      loop.end()
    }
    loop.run()
    for worker in workers { worker.join() }
    loop.endAndClose()
  }

  private static func listen(
    number: Int, at address: SocketAddress, on loop: EventLoop
  ) throws -> TCPListener {
    try TCPListener.listen(at: address, on: loop, options: .init(reusePort: true)) {
      _, connection in
      connection.setIdleTimeout(.seconds(60))
      connection.start(
        .init(onData: { connection, _ in
          do { try connection.write("\(number)\n") } catch { connection.close() }
          connection.closeGracefully()
        }))
    }
  }

  private static func report(number: Int, _ counters: EventLoop.Counters) {
    print("loop \(number): \(counters.bytesRead) bytes read, \(counters.bytesWritten) written")
  }
}

/// Calls back when all loops have started; the main thread's.
private final class Starting {
  private var missing: Int
  private let body: () -> Void

  init(_ missing: Int, _ body: @escaping () -> Void) {
    self.missing = missing
    self.body = body
    if missing == 0 { body() }
  }

  func oneHasStarted() {
    missing -= 1
    if missing == 0 { body() }
  }
}
