import TestTaskProto
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
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

  #if os(Linux)
    @Test func `a terminal that takes nothing holds up neither requests nor a signal`() throws {
      // Swift's Glibc leaves posix_openpt(3) and its companions out.
      let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
      defer { close(master) }
      let (unlock, getNumber) = (UInt(0x4004_5431), UInt(0x8004_5430))
      var number: Int32 = 0
      try #require(ioctl(master, unlock, &number) == 0 && ioctl(master, getNumber, &number) == 0)
      let terminal = "/dev/pts/\(number)"
      let peer = try RawSocket.listen()
      let client = try Program(
        "/bin/sh",
        [
          "-c", #"exec "$1" "$2" <"$3" >"$3" 2>&1"#, "sh",
          Program.buildFolder + "/testtask-client", "127.0.0.1:\(peer.port)", terminal,
        ])
      let connection = try peer.accept()
      let command = Array("every 10 fast\r".utf8)
      try #require(write(master, command, command.count) == command.count)
      // What is drawn for a hundred of them fills the terminal.
      for _ in 0..<250 {
        #expect(try connection.receive(3) == Message.fast.frame)
        try connection.send(Message.fastResponse(currentDateTime: "19851019T050107.333").frame)
      }
      client.send(signal: SIGTERM)
      #expect(try client.wait() == .exit(143))
      var settings = termios()
      #expect(tcgetattr(master, &settings) == 0)
      #expect(settings.c_lflag & tcflag_t(ICANON) != 0)
    }
  #endif

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
