import TestTaskTestSupport
import TestTaskProto
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What the client makes of its arguments, and of where it was started.
@Suite struct ClientArgumentTests {
  /// The client behind a shell that prepares its surroundings; the shell's `"$0"` is the client.
  private func client(_ script: String, _ arguments: [String]) throws -> Program {
    try Program(
      "/bin/sh", ["-c", script, Program.buildFolder + "/testtask-client"] + arguments)
  }

  @Test func `-f - is standard input, after the commands of -e`() throws {
    let server = try RunningServer()
    let client = try Program(
      "testtask-client", ["127.0.0.1:\(server.port)", "--json", "-e", "fast", "-f", "-"],
      input: .pipe)
    try client.write("\u{feff}slow 0\nfats\n")
    client.endInput()
    let lines = try client.readOutputToEnd()
    #expect(lines.count { $0.contains("\"received\"") } == 2)
    #expect(try client.readErrorsToEnd().first?.contains("stdin:2: unknown command") == true)
    #expect(try client.wait() == .exit(3))
  }

  @Test func `the port may stand apart from the host`() throws {
    let server = try RunningServer()
    let client = try Program("testtask-client", ["127.0.0.1", "\(server.port)", "-e", "fast"])
    #expect(try client.wait() == .exit(0))
    for arguments in [["127.0.0.1:80", "80"], ["127.0.0.1", "0"], ["127.0.0.1", "65536"]] {
      let client = try Program("testtask-client", arguments + ["-e", "fast"])
      #expect(try client.readErrorsToEnd().first?.hasPrefix("Error: \"") == true)
      #expect(try client.wait() == .exit(64), "\(arguments)")
    }
  }

  @Test(arguments: [
    (["--timeout", "-1"], "0.001 … 4294967295 seconds, or off"),
    (["--timeout", "0"], "0.001 … 4294967295 seconds, or off"),
    (["--connect-timeout", "-0.5"], "0.001 … 4294967295 seconds"),
    (["--reconnect", "-3"], "1 … 10 seconds, or off"),
    (["--reconnect", "11"], "1 … 10 seconds, or off"),
    (["-1"], "\"-1\": not a port (1-65535)"),
    (["--json", "-25555", "-e", "fast"], "\"-25555\": not a port (1-65535)"),
    (["-1.5", "--timeout", "1"], "\"-1.5\": not a port (1-65535)"),
  ])
  func `an option out of range is refused with the range`(
    arguments: [String], range: String
  ) throws {
    let client = try Program("testtask-client", ["127.0.0.1"] + arguments)
    #expect(try client.readErrorsToEnd().contains { $0.contains(range) })
    #expect(try client.wait() == .exit(64))
  }

  @Test
  func `an unknown option is called so, and a number without a place is unexpected`()
    throws
  {
    for (arguments, message) in [
      (["127.0.0.1", "-x"], "Unknown option '-x'"),
      (["127.0.0.1", "80", "-1"], "Unexpected argument '-1'"),
    ] {
      let client = try Program("testtask-client", arguments)
      #expect(try client.readErrorsToEnd().first == "Error: \(message)")
      #expect(try client.wait() == .exit(64))
    }
  }

  @Test(arguments: ["--help", "--version"])
  func `what was asked for and cannot be printed is an error`(option: String) throws {
    let client = try client("exec \"$0\" \(option) >/dev/full", [])
    #expect(try client.readErrorsToEnd().contains { $0.contains("standard output: ") })
    #expect(try client.wait() == .exit(1))
  }

  @Test(.enabled(if: mayLimitFileSizes))
  func `at a limit of file sizes a copy of the log is lost, and nothing else`() throws {
    let server = try RunningServer()
    let log = server.folder.path + "/copy"
    let client = try client(
      "ulimit -f 0; exec \"$0\" \"$@\"",
      ["127.0.0.1:\(server.port)", "-e", "fast", "-e", "fast", "--json", "--log-file", log])
    let lines = try client.readOutputToEnd()
    #expect(lines.count { $0.contains("\"received\"") } == 2)
    #expect(try client.readErrorsToEnd().count { $0.contains("lines are lost, log file") } == 1)
    #expect(try client.wait() == .exit(0))
  }

  @Test(.enabled(if: mayLimitFileSizes))
  func `at a limit of file sizes standard output fails with a reason`() throws {
    let server = try RunningServer()
    let client = try client(
      "ulimit -f 0; exec \"$0\" \"$@\" >\(server.folder.path)/output",
      ["127.0.0.1:\(server.port)", "-e", "fast", "--json"])
    #expect(try client.readErrorsToEnd().contains { $0.contains("standard output: ") })
    #expect(try client.wait() == .exit(1))
  }

  @Test(arguments: [("INT", SIGINT), ("QUIT", SIGQUIT), ("HUP", SIGHUP)] as [(String, Int32)])
  func `a signal that was ignored at the start stays ignored`(name: String, signal: Int32) throws {
    let peer = try RawSocket.listen()
    let client = try client(
      "trap '' \(name); exec \"$0\" \"$@\"",
      ["127.0.0.1:\(peer.port)", "--json", "-e", "fast", "-e", "fast"])
    let connection = try peer.accept()
    let answer = Message.fastResponse(currentDateTime: "19851019T050107.333").frame
    for _ in 0..<2 {
      #expect(try connection.receive(3) == Message.fast.frame)
      client.send(signal: signal)
      try connection.send(answer)
    }
    #expect(try client.wait() == .exit(0))
  }
}

/// Whether a program of ours starts where it may write no file: the thread sanitizer's runtime writes
/// one before the program's first line.
private let mayLimitFileSizes = dlsym(nil, "__tsan_init") == nil
