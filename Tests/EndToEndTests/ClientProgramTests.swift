import TestTaskTestSupport
import TestTaskProto
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The real client against the real server and against scripted ones.
@Suite struct ClientProgramTests {
  static func client(_ port: UInt16, _ arguments: [String], input: Program.Input = .null) throws
    -> Program
  {
    try Program("testtask-client", ["127.0.0.1:\(port)"] + arguments, input: input)
  }

  /// The events of `--json` output, by name.
  static func events(_ lines: [String]) -> [String] {
    lines.compactMap { line in
      guard let start = line.range(ofText: "\"event\":\"") else { return nil }
      return String(line[start...].prefix { $0 != "\"" })
    }
  }

  @Test func `a script asks fast and slow, shows the answers and ends with 0 (C1, C3, C6)`() throws
  {
    let server = try RunningServer()
    let client = try Self.client(server.port, ["-e", "fast", "-e", "slow 1", "--json"])
    let lines = try client.readOutputToEnd()
    #expect(try client.wait() == .exit(0))
    #expect(
      Self.events(lines).prefix(6) == [
        "connecting", "connected", "sent", "received", "sent", "received",
      ])
    #expect(lines.contains { $0.contains("\"server_time\":\"") })
    #expect(lines.contains { $0.contains("\"connected_clients\":1") })
  }

  @Test(arguments: ["pipe", "file"])
  func `more commands than it keeps at once wait in the pipe or the file`(source: String) throws {
    let server = try RunningServer()
    let commands = String(repeating: "fast\n", count: 2_500)
    let path = server.folder.path + "/commands"
    try writeFile(path, commands)
    let client = try Self.client(
      server.port, ["--json"], input: source == "pipe" ? .pipe : .file(path))
    if source == "pipe" {
      try client.write(commands)
      client.endInput()
    }
    let events = Self.events(try client.readOutputToEnd())
    #expect(events.count { $0 == "received" } == 2_500)
    #expect(try client.wait() == .exit(0))
  }

  @Test(arguments: ["pipe", "file"])
  func `commands come from a pipe and from a file alike`(source: String) throws {
    let server = try RunningServer()
    let commands = "fast\n# a comment is no command\nslow 0\r\nfast"
    let client: Program
    if source == "pipe" {
      client = try Self.client(server.port, ["--json"], input: .pipe)
      try client.write(commands)
      client.endInput()
    } else {
      let path = server.folder.path + "/commands"
      try writeFile(path, commands)
      client = try Self.client(server.port, ["--json"], input: .file(path))
    }
    let events = Self.events(try client.readOutputToEnd())
    #expect(events.count { $0 == "received" } == 3)
    #expect(try client.wait() == .exit(0))
  }

  @Test func `no input at all, or a closed one, is an empty script`() throws {
    let server = try RunningServer()
    for input in [Program.Input.null, .closed] {
      let client = try Self.client(server.port, [], input: input)
      #expect(try client.wait() == .exit(0))
    }
  }

  @Test func `it has one thread while it works, and so has the server (B1)`() throws {
    let server = try RunningServer()
    let client = try Self.client(server.port, ["-e", "slow 1", "--json"])
    try client.readLines { $0.contains("\"sent\"") }
    #expect(try client.status("Threads") == "1")
    #expect(try server.program.status("Threads") == "1")
    _ = try client.readOutputToEnd()
    #expect(try client.wait() == .exit(0))
  }

  @Test func `periodic requests never overlap, and skipped ticks are told (C2, C7)`() throws {
    let peer = try RawSocket.listen()
    let client = try Self.client(
      peer.port, ["-e", "every 10 fast", "-e", "sleep 1", "-e", "stop", "--json"])
    let connection = try peer.accept()
    let request = Message.fast.frame
    for _ in 0..<5 {
      #expect(try connection.receive(request.count) == request)
      // Longer than the period: a second request would come now.
      usleep(35_000)
      try connection.send(Message.fastResponse(currentDateTime: "19851019T050107.333").frame)
    }
    while let bytes = try? connection.receive(request.count) {
      #expect(bytes == request)
      try connection.send(Message.fastResponse(currentDateTime: "19851019T050107.333").frame)
    }
    let events = Self.events(try client.readOutputToEnd())
    #expect(events.contains("skipped"))
    var outstanding = 0
    for event in events {
      if event == "sent" { outstanding += 1 }
      if event == "received" { outstanding -= 1 }
      #expect(outstanding == 0 || outstanding == 1)
    }
    #expect(try client.wait() == .exit(0))
  }

  @Test func `a lost connection is made anew after the set delay, and never before (C4)`() throws {
    let peer = try RawSocket.listen()
    let client = try Self.client(peer.port, ["--reconnect", "1", "-e", "fast", "--json"])
    let first = try peer.accept()
    _ = try first.receive(3)
    let lost = ContinuousClock.now
    first.reset()
    let second = try peer.accept()
    #expect(ContinuousClock.now - lost >= .seconds(1))
    // The request was lost with its connection; the command waits through the retry and asks anew.
    #expect(try second.receive(3) == Message.fast.frame)
    try second.send(Message.fastResponse(currentDateTime: "19851019T050107.333").frame)
    let events = Self.events(try client.readOutputToEnd())
    #expect(events.contains("lost") && events.contains("disconnected"))
    #expect(events.last(where: { $0 == "received" }) != nil)
    #expect(try client.wait() == .exit(0))
  }

  @Test func `periodic requests go on when a killed server is back (C2, C4)`() throws {
    var server: RunningServer? = try RunningServer()
    guard let port = server?.port else { return }
    let client = try Self.client(port, ["--reconnect", "1", "--json"], input: .pipe)
    try client.write("every 20 fast\nsleep 20\n")
    try client.readLines { $0.contains("\"received\"") }
    server?.program.send(signal: SIGKILL)
    _ = try server?.program.wait()
    server = nil
    try client.readLines { $0.contains("\"disconnected\"") }
    let back = try RunningServer(port: port)
    try client.readLines { $0.contains("\"connected\"") }
    try client.readLines { $0.contains("\"received\"") }
    client.send(signal: SIGTERM)
    _ = try client.readOutputToEnd()
    #expect(try client.wait() == .exit(143))
    _ = try back.logLines(containing: "event=disconnect")
  }

  @Test func `without a server a script ends with 2`() throws {
    let port = try RawSocket.listen().port
    let client = try Self.client(port, ["-e", "fast", "--json"])
    let lines = try client.readOutputToEnd()
    #expect(Self.events(lines).contains("connect_failed"))
    #expect(try client.wait() == .exit(2))
  }

  @Test func `an unknown command ends a script with 3, and a bad address with 64`() throws {
    let server = try RunningServer()
    let client = try Self.client(server.port, ["-e", "fats", "-e", "fast", "--json"])
    #expect(Self.events(try client.readOutputToEnd()).contains("received") == false)
    #expect(try client.readErrorsToEnd().contains { $0.contains("did you mean") })
    #expect(try client.wait() == .exit(3))
    for address in [
      "127.1:80", "1.2.3.4:0", "1.2.3.4:65536", "0177.0.0.1", "[::1%nosuch]:1", "x y",
    ] {
      #expect(
        try Program("testtask-client", [address, "-e", "fast"]).wait() == .exit(64), "\(address)")
    }
  }

  @Test func `an answer that takes too long ends a script with 4`() throws {
    let peer = try RawSocket.listen()
    let client = try Self.client(peer.port, ["--timeout", "0.2", "-e", "fast", "--json"])
    let connection = try peer.accept()
    #expect(try connection.receiveToEnd() == Message.fast.frame)
    #expect(try client.wait() == .exit(4))
  }

  @Test(arguments: [
    Message.slowResponse(connectedClientCount: 1).frame, Message.fast.frame, [0x00],
    Message.fastResponse(currentDateTime: "x").frame
      + Message.fastResponse(currentDateTime: "x").frame,
  ])
  func `a server that breaks the protocol ends a script with 5`(bytes: [UInt8]) throws {
    let peer = try RawSocket.listen()
    let client = try Self.client(peer.port, ["-e", "fast", "-e", "sleep 0.2", "--json"])
    let connection = try peer.accept()
    _ = try connection.receive(3)
    try connection.send(bytes)
    _ = try client.readOutputToEnd()
    #expect(try client.wait() == .exit(5))
  }

  @Test func `an answer torn into single bytes is an answer, and its text is shown escaped`() throws
  {
    let peer = try RawSocket.listen()
    let client = try Self.client(peer.port, ["-e", "fast"])
    let connection = try peer.accept()
    _ = try connection.receive(3)
    for byte in Message.fastResponse(currentDateTime: "\u{1b}[31m\u{9b}x\u{202e}").frame {
      try connection.send([byte])
    }
    let output = try client.readOutputToEnd().joined(separator: "\n")
    #expect(output.contains("[31m"))
    for scalar in ["\u{1b}", "\u{9b}", "\u{202e}"] { #expect(!output.contains(scalar)) }
    #expect(try client.wait() == .exit(0))
  }

  @Test func `what set prints brings the same settings about, and stands beside the JSON`() throws {
    let server = try RunningServer()
    let path = server.folder.path + "/a \"b\\"
    let quoted = "\"\(server.folder.path)/a \\\"b\\\\\""
    let commands = [
      "reconnect 2.5", "timeout 3", "connect 127.0.0.1:\(server.port)", "every 700 slow 0",
      "log off", "log file \(quoted)",
    ]
    let client = try Program(
      "testtask-client", commands.flatMap { ["-e", $0] } + ["-e", "set", "--json"])
    #expect(try client.readErrorsToEnd() == commands)
    #expect(try client.wait() == .exit(0))
    #expect(try readFile(path).contains("\"received\""))
    let again = try Program("testtask-client", ["--json"], input: .pipe)
    try again.write((commands + ["set"]).joined(separator: "\n"))
    again.endInput()
    #expect(try again.readErrorsToEnd() == commands)
    #expect(try again.wait() == .exit(0))
  }

  @Test func `interrupted it ends with 130`() throws {
    let server = try RunningServer()
    let client = try Self.client(server.port, ["-e", "slow 100", "--json"])
    try client.readLines { $0.contains("\"sent\"") }
    client.send(signal: SIGINT)
    _ = try client.readOutputToEnd()
    #expect(try client.wait() == .exit(130))
  }
}

extension String {
  /// The index behind the first occurrence of `text`.
  fileprivate func range(ofText text: String) -> String.Index? {
    ranges(of: text).first?.upperBound
  }
}
