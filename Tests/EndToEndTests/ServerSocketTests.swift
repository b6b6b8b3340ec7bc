import TestTaskProto
import TestTaskTestSupport
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The server on a Unix socket, beside TCP and in its place.
@Suite struct ServerSocketTests {
  private func start(
    in folder: TemporaryFolder, _ settings: String
  ) throws -> (program: Program, firstLines: [String]) {
    let ini = folder.path + "/server.ini"
    try writeFile(ini, "[server]\n\(settings)\n[log]\nfile = server.log\n")
    let program = try Program("testtask-server", ["--config", ini], directory: folder.path)
    var lines: [String] = []
    while lines.last?.contains("listening socket=") != true {
      guard let line = try program.readErrorLine() else {
        throw Program.Failure(description: "the server ended before it listened: \(lines)")
      }
      lines.append(line)
    }
    return (program, lines)
  }

  private func terminate(_ program: Program) throws -> Program.Ending {
    program.send(signal: SIGTERM)
    return try program.wait()
  }

  @Test func `a socket alone serves requests, logs who asked, and goes with the server`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/s"
    let (program, lines) = try start(in: folder, "address = none\nsocket = \(path)")
    #expect(lines == ["listening socket=\(path)"])
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o660)
    let client = try RawSocket.connect(path: path)
    try client.send(.fast, .slow(0))
    #expect(try client.receiveMessage().isFastResponse)
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    client.shutdownWrite()
    #expect(try client.receiveToEnd().isEmpty)
    #expect(try terminate(program) == .exit(0))
    #expect(lstat(path, &status) != 0, "the file is gone")
    let log = folder.contents("server.log")
    let peer = "peer=unix:pid=\(getpid()),uid=\(geteuid())"
    #expect(log.contains("event=start socket=\(path)"))
    #expect(log.contains("event=connect conn=1 \(peer) clients=1"))
    #expect(log.contains("event=disconnect conn=1 \(peer) reason=eof clients=0"))
  }

  @Test func `beside TCP it counts the same clients, and the client asks by either`() throws {
    let folder = try TemporaryFolder()
    let (program, lines) = try start(in: folder, "port = 0\nsocket = s\nsocket_mode = 0600")
    #expect(lines.count == 2 && lines[0].hasPrefix("listening address=127.0.0.1 port="))
    var status = stat()
    #expect(lstat(folder.path + "/s", &status) == 0 && status.st_mode & 0o777 == 0o600)
    let port = try #require(lines[0].split(separator: "=").last.flatMap { UInt16($0) })
    let tcp = try RawSocket.connect(port: port)
    try tcp.send(.fast)
    #expect(try tcp.receiveMessage().isFastResponse)
    let asking = try Program(
      "testtask-client", ["unix:\(folder.path)/s", "--json", "-e", "slow 0"])
    let output = try asking.readOutputToEnd()
    #expect(try asking.wait() == .exit(0))
    #expect(output.contains { $0.contains("\"connected_clients\":2") })
    #expect(output.contains { $0.contains("\"peer\":\"unix:\(folder.path)/s\"") })
    #expect(try terminate(program) == .exit(0))
    // Nobody is there any more.
    let late = try Program("testtask-client", ["unix:\(folder.path)/s", "-e", "fast"])
    #expect(try late.wait() == .exit(2))
  }

  @Test func `a server that was killed is followed by another, and one that lives is not`() throws {
    let folder = try TemporaryFolder()
    let settings = "address = none\nsocket = \(folder.path)/s"
    let (first, _) = try start(in: folder, settings)
    let second = try Program(
      "testtask-server", ["--config", folder.path + "/server.ini"], directory: folder.path)
    #expect(try second.wait() == .exit(1))
    #expect(try second.readErrorsToEnd().last?.contains("is another server's") == true)
    first.send(signal: SIGKILL)
    #expect(try first.wait() == .signal(SIGKILL))
    let (third, _) = try start(in: folder, settings)
    let client = try RawSocket.connect(path: folder.path + "/s")
    try client.send(.fast)
    #expect(try client.receiveMessage().isFastResponse)
    client.close()
    #expect(try terminate(third) == .exit(0))
  }

  @Test(
    "a socket that cannot be is said in one line, by --check-config too",
    arguments: [
      ("socket = file", "is no socket, and is not replaced"),
      ("socket = /nowhere/s", "ENOENT"),
      ("socket = " + String(repeating: "a", count: 108), "at most 107 bytes"),
      ("address = none", "both none"),
    ])
  func refused(setting: String, reason: String) throws {
    let folder = try TemporaryFolder()
    folder.put("precious", "file")
    let ini = folder.path + "/server.ini"
    try writeFile(ini, "[server]\nport = 0\n\(setting)\n")
    for arguments in [["--config", ini], ["--config", ini, "--check-config"]] {
      let program = try Program("testtask-server", arguments, directory: folder.path)
      #expect(try program.wait() == .exit(1))
      let errors = try program.readErrorsToEnd()
      #expect(errors.last?.contains(reason) == true, "\(errors)")
    }
    #expect(folder.contents("file") == "precious")
  }

  @Test func `--check-config leaves no file, and takes a server that runs for a note`() throws {
    let folder = try TemporaryFolder()
    let ini = folder.path + "/server.ini"
    try writeFile(ini, "[server]\naddress = none\nsocket = \(folder.path)/s\n")
    let check = {
      let program = try Program(
        "testtask-server", ["--config", ini, "--check-config"], directory: folder.path)
      let errors = try program.readErrorsToEnd()
      return (try program.wait(), errors)
    }
    var (ending, errors) = try check()
    #expect(ending == .exit(0))
    #expect(access(folder.path + "/s", F_OK) != 0)
    let (program, _) = try start(in: folder, "address = none\nsocket = \(folder.path)/s")
    (ending, errors) = try check()
    #expect(ending == .exit(0) && errors.contains { $0.contains("note: unix:") })
    #expect(try terminate(program) == .exit(0))
  }

  @Test func `a mode that is none is out of range`() throws {
    for mode in ["0888", "1777", "66", "rw", "06600"] {
      let folder = try TemporaryFolder()
      let ini = folder.path + "/server.ini"
      try writeFile(ini, "[server]\nsocket_mode = \(mode)\n")
      let program = try Program("testtask-server", ["--config", ini, "--check-config"])
      #expect(try program.wait() == .exit(78))
      let errors = try program.readErrorsToEnd()
      #expect(errors.contains { $0.contains("it accepts 0000 to 0777, in octal digits") })
    }
  }
}
