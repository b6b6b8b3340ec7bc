import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// `embedded ADDRESS` has a loop of its own, by poll(2), and serves an echo by UVNet inside of it.
///
/// To each line on its standard input it says how much it has served, and at the end of that it ends.
@main
struct Embedded {
  static func main() throws {
    let loop = try EventLoop()
    let address = try SocketAddress(
      parsing: CommandLine.arguments.dropFirst().first ?? "127.0.0.1:7007", allowPortZero: true)
    let listener = try TCPListener.listen(at: address, on: loop) { _, connection in
      connection.start(
        .init(onData: { connection, bytes in
          do { try connection.write(bytes) } catch { connection.close() }
        }))
    }
    print("listening on \(listener.localAddress)")

    var isOver = false
    while !isOver {
      let timeout = loop.pollTimeout.map { Int32($0 / .milliseconds(1)) } ?? -1
      var waiting = [
        pollfd(fd: loop.pollDescriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0),
      ]
      _ = poll(&waiting, nfds_t(waiting.count), timeout)
      loop.runWithoutWaiting()
      if waiting[1].revents != 0 { isOver = !readLines(loop) }
    }
    loop.endAndClose()
  }

  /// Answers what came on standard input; false at its end.
  private static func readLines(_ loop: EventLoop) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = read(STDIN_FILENO, &bytes, bytes.count)
    guard count > 0 else { return false }
    for byte in bytes[..<count] where byte == UInt8(ascii: "\n") {
      print("echoed \(loop.counters.bytesWritten) bytes")
    }
    return true
  }
}
