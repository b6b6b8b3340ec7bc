import TestTaskProto
import TestTaskTestSupport
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The real server, watched by HTTP.
@Suite struct MetricsProgramTests {
  /// A server with metrics on a free port, and that port.
  private func start(
    _ more: String = "", server: String = "port = 0"
  ) throws -> (program: Program, folder: TemporaryFolder, port: UInt16, lines: [String]) {
    let folder = try TemporaryFolder()
    let ini = folder.path + "/server.ini"
    try writeFile(
      ini, "[server]\n\(server)\n[metrics]\n\(more)\n[log]\nfile = \(folder.path)/server.log\n")
    let program = try Program("testtask-server", ["--config", ini], directory: folder.path)
    var lines: [String] = []
    while lines.last?.hasPrefix("listening ") != true {
      guard let line = try program.readErrorLine() else {
        throw Program.Failure(description: "the server ended before it listened: \(lines)")
      }
      lines.append(line)
    }
    let port = lines.first { $0.hasPrefix("metrics address=") }
      .flatMap { $0.split(separator: "=").last.flatMap { UInt16($0) } }
    return (program, folder, port ?? 0, lines)
  }

  private func ask(_ page: String, _ socket: RawSocket) throws -> String {
    try socket.send(Array("GET \(page) HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
    return String(decoding: try socket.receiveToEnd(), as: UTF8.self)
  }

  private func port(_ lines: [String]) -> UInt16 {
    lines.last?.split(separator: "=").last.flatMap { UInt16($0) } ?? 0
  }

  @Test func `what clients do can be read, and whether all is well`() throws {
    let (program, _, metrics, lines) = try start("port = 0")
    let client = try RawSocket.connect(port: port(lines))
    try client.send(.fast, .fast, .slow(0))
    for _ in 0..<2 { #expect(try client.receiveMessage().isFastResponse) }
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    let answer = try ask("/metrics", RawSocket.connect(port: metrics))
    #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
    #expect(answer.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
    for line in [
      "testtask_clients 1", "testtask_connects_total 1",
      "testtask_requests_total{type=\"fast\"} 2", "testtask_requests_total{type=\"slow\"} 1",
      "testtask_answer_lateness_seconds_count 1", "testtask_draining 0",
      "testtask_disconnects_total{reason=\"eof\"} 0",
    ] { #expect(answer.contains("\n\(line)\n"), "\(line)") }
    #expect(answer.contains("testtask_build_info{version=\""))
    #expect(!answer.contains("testtask_callback_seconds_count 0\n"))
    #expect(try ask("/healthz", RawSocket.connect(port: metrics)).hasSuffix("\r\n\r\nok\n"))
    program.send(signal: SIGTERM)
    #expect(try program.wait() == .exit(0))
  }

  @Test func `during a drain it says so, and does not hold the drain up`() throws {
    let (program, _, metrics, lines) = try start("port = 0")
    let client = try RawSocket.connect(port: port(lines))
    try client.send(.slow(2))
    // A scraper that says nothing.
    let silent = try RawSocket.connect(port: metrics)
    while !(try ask("/metrics", RawSocket.connect(port: metrics)))
      .contains("\ntesttask_sleeping_requests 1\n")
    {}
    program.send(signal: SIGTERM)
    var answer = ""
    repeat {
      answer = try ask("/healthz", RawSocket.connect(port: metrics))
    } while answer.hasSuffix("ok\n")
    #expect(answer.hasPrefix("HTTP/1.1 503 ") && answer.hasSuffix("\r\n\r\ndraining\n"))
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    #expect(try program.wait() == .exit(0))
    withExtendedLifetime(silent) {}
  }

  @Test func `a second signal takes the file of its socket away, too`() throws {
    let folder = try TemporaryFolder()
    let socket = folder.path + "/metrics"
    let (program, _, _, lines) = try start("socket = \(socket)")
    let client = try RawSocket.connect(port: port(lines))
    try client.send(.slow(20), .fast)
    _ = try client.receiveMessage()
    #expect(folder.names == ["metrics"])
    program.send(signal: SIGTERM)
    // Sooner the next one would be the first, forwarded by a parent.
    usleep(600_000)
    program.send(signal: SIGTERM)
    #expect(try program.wait() == .exit(128 + SIGTERM))
    #expect(folder.names == [])
  }

  @Test func `reloads are counted, good and bad ones`() throws {
    let (program, folder, metrics, _) = try start("port = 0")
    func hasReload(_ label: String) throws -> Bool {
      try ask("/metrics", RawSocket.connect(port: metrics))
        .contains("\ntesttask_reloads_total{result=\"\(label)\"} 1\n")
    }
    program.send(signal: SIGHUP)
    while !(try hasReload("ok")) {}
    try writeFile(folder.path + "/server.ini", "[nothing]\n")
    program.send(signal: SIGHUP)
    while !(try hasReload("failed")) {}
    program.send(signal: SIGTERM)
    #expect(try program.wait() == .exit(0))
  }

  @Test func `a Unix socket alone serves metrics, of a server on a Unix socket alone`() throws {
    let (program, folder, port, lines) = try start(
      "socket = m", server: "address = none\nsocket = s")
    #expect(lines == ["metrics socket=m", "listening socket=s"])
    #expect(port == 0)
    let path = folder.path + "/m"
    var status = stat()
    #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o660)
    let answer = try ask("/metrics", RawSocket.connect(path: path))
    #expect(answer.contains("\ntesttask_clients 0\n"))
    program.send(signal: SIGTERM)
    #expect(try program.wait() == .exit(0))
    #expect(lstat(path, &status) != 0, "the file is gone")
  }

  @Test func `a port that is in use keeps the server from starting, and is a note of the check`()
    throws
  {
    let other = try RawSocket.listen()
    let folder = try TemporaryFolder()
    let ini = folder.path + "/server.ini"
    let port = other.port
    try writeFile(ini, "[server]\nport = 0\n[metrics]\nport = \(port)\n")
    for (arguments, ending, text) in [
      ([String](), Program.Ending.exit(1), "error: cannot listen on 127.0.0.1 port \(port): "),
      (["--check-config"], .exit(0), "note: 127.0.0.1:\(port) is in use"),
    ] {
      let program = try Program(
        "testtask-server", ["--config", ini] + arguments, directory: folder.path)
      let errors = try program.readErrorsToEnd()
      #expect(errors.contains { $0.contains(text) }, "\(errors)")
      #expect(try program.wait() == ending)
    }
  }
}
