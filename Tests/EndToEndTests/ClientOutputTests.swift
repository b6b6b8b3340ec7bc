import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// The client whose output is read late, or never.
@Suite struct ClientOutputTests {
  /// More than a pipe holds.
  private static let commands = String(repeating: "help\n", count: 200)

  @Test(arguments: [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)])
  func `a signal ends it though nobody reads its output`(signal: Int32, code: Int32) throws {
    let server = try RunningServer()
    let client = try Program(
      "testtask-client", ["127.0.0.1:\(server.port)", "--json"], input: .pipe)
    try client.write(Self.commands.replacing("help", with: "fast") + "every 10 fast\nsleep 100\n")
    // It sends for as long as it has room for what it has to say.
    _ = try server.logLines(containing: "event=connect")
    usleep(300_000)
    client.send(signal: signal)
    #expect(try client.wait() == .exit(code))
  }

  @Test func `a late reader gets every line, and the end waits for it`() throws {
    let server = try RunningServer()
    let client = try Program(
      "testtask-client", ["127.0.0.1:\(server.port)", "--time", "none"], input: .pipe)
    try client.write(Self.commands)
    client.endInput()
    usleep(200_000)
    let lines = try client.readOutputToEnd()
    #expect(lines.count { $0.hasPrefix("help COMMAND") } == 200)
    #expect(try client.wait() == .exit(0))
  }
}
