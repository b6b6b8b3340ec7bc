import TestTaskTestSupport
import TestTaskProto
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What an operator expects of the server: it drains, reloads, rotates, keeps limits, and says so.
@Suite struct ServerDaemonTests {
  // MARK: The end

  @Test func `a drain closes idle clients and half frames at once and answers what is due`() throws
  {
    let server = try RunningServer("[limits]\ndrain_timeout_seconds = 10\n")
    let (idle, half, sleeper) = (
      try server.connect(), try server.connect(), try server.connect()
    )
    try half.send([0x05])
    try sleeper.send(.slow(2), .slow(100), .fast)
    #expect(try sleeper.receiveMessage().isFastResponse)
    _ = try server.logLines(containing: "event=connect ", count: 3)
    let start = ContinuousClock.now
    server.program.send(signal: SIGTERM)
    #expect(try idle.receiveToEnd().isEmpty)
    #expect(try half.receiveToEnd().isEmpty)
    #expect(ContinuousClock.now - start < .seconds(2))
    #expect(throws: RawSocket.Failure.self, "nobody listens any more") { try server.connect() }
    // Not read any more, and no reason to wait.
    try sleeper.send(.fast)
    #expect(try sleeper.receiveMessage() == .slowResponse(connectedClientCount: 3))
    #expect(try sleeper.receiveToEnd().isEmpty)
    #expect(try server.program.wait() == .exit(0))
    #expect(ContinuousClock.now - start < .seconds(8), "the deadline is for those who need it")
    let log = try readFile(server.logPath)
    #expect(log.contains("dropped=1"))
    #expect(log.count(of: "reason=shutdown") == 3)
  }

  @Test func `a client that takes nothing holds a drain up to the deadline only`() throws {
    let server = try RunningServer(
      "[limits]\ndrain_timeout_seconds = 1\n" + StuckClient.settings)
    let client = try StuckClient.owed(1 << 20, by: server)
    let start = ContinuousClock.now
    #expect(try server.terminate() == .exit(0))
    #expect(ContinuousClock.now - start >= .seconds(1))
    let lines = try server.logLines(containing: "event=disconnect", count: 2)
    #expect(lines.contains { $0.contains("rx_bytes=\(client.sentByteCount) ") }, "all was read")
  }

  @Test func `a client that was closed and keeps its own end open holds up no drain`() throws {
    let server = try RunningServer("[limits]\ndrain_timeout_seconds = 30\n")
    let violator = try server.connect()
    try violator.send([0x00])
    #expect(try violator.receiveToEnd().isEmpty)
    _ = try server.logLines(containing: "reason=violation")
    let start = ContinuousClock.now
    #expect(try server.terminate() == .exit(0))
    // Not the five seconds that it has for its end while the server serves.
    #expect(ContinuousClock.now - start < .seconds(4))
    withExtendedLifetime(violator) {}
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a second signal ends it now, and the log still has its pairs`(signal: Int32) throws {
    let server = try RunningServer()
    let client = try server.connect()
    try client.send(.slow(20), .fast)
    _ = try client.receiveMessage()
    server.program.send(signal: SIGTERM)
    _ = try server.logLines(containing: "event=drain")
    // Sooner it would be the first one, forwarded by a parent.
    usleep(600_000)
    server.program.send(signal: signal)
    #expect(try server.program.wait() == .exit(128 + signal))
    #expect(try readFile(server.logPath).count(of: "reason=shutdown") == 1)
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a signal that comes twice at once is one, and drains`(signal: Int32) throws {
    let server = try RunningServer()
    let client = try server.connect()
    try client.send(.slow(1), .fast)
    _ = try client.receiveMessage()
    server.program.send(signal: signal)
    _ = try server.logLines(containing: "event=drain")
    server.program.send(signal: signal)
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    #expect(try server.program.wait() == .exit(0))
    // What is logged last is written, too.
    let lines = try readFile(server.logPath).split(separator: "\n")
    #expect(lines.last?.contains("event=stop") == true)
  }

  @Test func `a sleeping request that is dropped leaves a trace`() throws {
    let server = try RunningServer("[limits]\ndrain_timeout_seconds = 1\n")
    let leaves = try server.connect()
    try leaves.send(.slow(100), .slow(100), .fast)
    _ = try leaves.receiveMessage()
    leaves.shutdownWrite()
    #expect(try leaves.receiveToEnd().isEmpty)
    #expect(try server.logLines(containing: "event=disconnect")[0].contains(" dropped=2"))
    let drained = try server.connect()
    try drained.send(.slow(100), .fast)
    _ = try drained.receiveMessage()
    let quiet = try server.connect()
    try quiet.send(.fast)
    _ = try quiet.receiveMessage()
    #expect(try server.terminate() == .exit(0))
    let lines = try server.logLines(containing: "event=disconnect", count: 3)
    #expect(lines[1].contains("reason=shutdown") && lines[1].contains(" dropped=1"))
    #expect(lines[2].contains("reason=shutdown") && !lines[2].contains("dropped="))
  }

  @Test func `at level debug each request and each answer has its line`() throws {
    let server = try RunningServer("[log]\nlevel = debug\n")
    let client = try server.connect()
    try client.send(.fast, .fast, .slow(0))
    _ = try client.receiveMessages(3)
    client.close()
    _ = try server.logLines(containing: "event=disconnect")
    let lines = try readFile(server.logPath).split(separator: "\n")
    #expect(lines.count { $0.hasSuffix("event=request conn=1 type=fast") } == 2)
    #expect(lines.count { $0.hasSuffix("event=answer conn=1 type=fast") } == 2)
    #expect(lines.count { $0.hasSuffix("event=request conn=1 type=slow sleep_s=0") } == 1)
    #expect(lines.count { $0.hasSuffix("event=answer conn=1 type=slow connected_clients=1") } == 1)
  }

  // MARK: Reloading and rotation

  @Test func `SIGHUP applies limits and level, and names what needs a restart`() throws {
    let server = try RunningServer("[limits]\nmax_connections = 1\n")
    let first = try server.connect()
    try first.send(.fast)
    _ = try first.receiveMessage()
    #expect(server.isTurnedAway())
    try writeFile(server.iniPath, "[server]\nbacklog = 7\n[limits]\nmax_connections = 2\n")
    server.program.send(signal: SIGHUP)
    _ = try server.logLines(containing: "event=reload")
    #expect(
      try server.program.readErrorLine()?.contains("\"backlog\" needs a restart") == true)
    let second = try server.connect()
    try second.send(.slow(0))
    #expect(try second.receiveMessage() == .slowResponse(connectedClientCount: 2))
    #expect(try server.terminate() == .exit(0))
  }

  @Test func `SIGHUP with a bad ini changes nothing but reopens the log`() throws {
    let server = try RunningServer("[limits]\nmax_connections = 1\n")
    let client = try server.connect()
    _ = try server.logLines(containing: "event=connect ")
    try writeFile(server.iniPath, "[limits]\nmax_connections = 2\nprot = 1\n")
    rename(server.logPath, server.logPath + ".1")
    server.program.send(signal: SIGHUP)
    #expect(
      try server.program.readErrorLine() == "\(server.iniPath):3:1: error: unknown key \"prot\" "
        + "in [limits]")
    #expect(try server.logLines(containing: "event=reload")[0].contains("result=failed"))
    #expect(server.isTurnedAway())
    try client.send(.fast)
    #expect(try client.receiveMessage().isFastResponse)
  }

  @Test func `a rotation loses and tears no line`() throws {
    let server = try RunningServer()
    for round in 0..<20 {
      for _ in 0..<5 { try server.connect().close() }
      rename(server.logPath, server.logPath + ".\(round)")
      server.program.send(signal: SIGUSR1)
    }
    let last = try server.connect()
    try last.send(.fast)
    // Who connected before is accepted by now.
    _ = try last.receiveMessage()
    #expect(try server.terminate() == .exit(0))
    var log = try readFile(server.logPath)
    for round in 0..<20 { log += (try? readFile(server.logPath + ".\(round)")) ?? "" }
    let lines = log.split(separator: "\n")
    #expect(lines.allSatisfy { $0.hasPrefix("ts=") && $0.count(of: " event=") == 1 })
    #expect(lines.count { $0.contains("event=connect ") } == 101)
    #expect(lines.count { $0.contains("event=disconnect ") } == 101)
  }

  @Test func `a hundred reloads under load drop nothing and leak no descriptor`() throws {
    let server = try RunningServer()
    let client = try server.connect()
    try client.send(.fast)
    _ = try client.receiveMessage()
    let descriptors = server.descriptorCount
    for _ in 0..<100 {
      server.program.send(signal: SIGHUP)
      try client.send(.fast, .slow(0))
      #expect(try client.receiveMessages(2).count == 2)
    }
    // The last one may still be at it: its line comes when its files are closed.
    #expect(try server.logLines(containing: "event=reload", count: 100).count == 100)
    #expect(server.descriptorCount == descriptors)
    #expect(try readFile(server.logPath).count(of: "event=disconnect") == 0)
  }

  // MARK: Limits

  @Test func `clients over max_connections are turned away and counted, and a place is soon free`()
    throws
  {
    let server = try RunningServer("[limits]\nmax_connections = 2\n")
    let kept = [try server.connect(), try server.connect()]
    _ = try server.logLines(containing: "event=connect ", count: 2)
    for _ in 0..<50 { #expect(server.isTurnedAway()) }
    kept[0].close()
    _ = try server.logLines(containing: "event=disconnect")
    let next = try server.connect()
    try next.send(.slow(0))
    #expect(try next.receiveMessage() == .slowResponse(connectedClientCount: 2))
    #expect(try server.terminate() == .exit(0))
    let rejected = try readFile(server.logPath).split(separator: "\n")
      .filter { $0.contains("event=rejected") }
    let counts = rejected.compactMap { $0.split(separator: "=").last.flatMap { Int($0) } }
    #expect(counts.reduce(0, +) == 50)
    #expect(rejected.count <= 4)
  }

  @Test func `one sleeping request too many costs the connection, with what is due before it`()
    throws
  {
    let server = try RunningServer("[limits]\nmax_sleeping_requests_per_connection = 2\n")
    let client = try server.connect()
    try client.send(.slow(100), .slow(100), .fast, .slow(100), .fast)
    #expect(try client.receiveToEnd().count == 24)
    #expect(try server.logLines(containing: "event=disconnect")[0].contains("reason=limit"))
  }

  @Test func `sleeping requests of all clients have a limit of their own`() throws {
    let server = try RunningServer("[limits]\nmax_sleeping_requests = 2\n")
    let (one, two) = (try server.connect(), try server.connect())
    try one.send(.slow(1), .slow(1), .fast)
    #expect(try one.receiveMessage().isFastResponse)
    try two.send(.slow(0))
    #expect(try two.receiveToEnd().isEmpty)
    #expect(try one.receiveMessages(2).count == 2)
  }

  @Test func `half a frame has its time, and silence has only if it is asked for`() throws {
    let server = try RunningServer(
      "[limits]\npartial_frame_timeout_seconds = 1\nidle_timeout_seconds = 2\n")
    let start = ContinuousClock.now
    let (half, idle, sleeper) = (
      try server.connect(), try server.connect(), try server.connect()
    )
    try half.send([0x05, 0x22])
    try sleeper.send(.slow(3))
    #expect(try half.receiveToEnd().isEmpty)
    #expect(ContinuousClock.now - start >= .seconds(1))
    #expect(try idle.receiveToEnd().isEmpty)
    #expect(ContinuousClock.now - start >= .seconds(2))
    #expect(try sleeper.receiveMessage() == .slowResponse(connectedClientCount: 3))
    let log = try server.logLines(containing: "event=disconnect", count: 2)
    #expect(log[0].contains("reason=partial_frame"))
    #expect(log[1].contains("reason=idle"))
  }

  @Test func `a client that takes nothing is read no further, and closed when time is up`() throws {
    let server = try RunningServer("[limits]\nstuck_peer_timeout_seconds = 1\n")
    let client = try StuckClient.full(port: server.port)
    let other = try server.connect()
    try other.send(.fast)
    #expect(try other.receiveMessage().isFastResponse)
    let line = try server.logLines(containing: "event=disconnect")[0]
    #expect(line.contains("reason=stuck"))
    let fields = line.split(separator: " ").filter { $0.hasPrefix("rx_bytes=") }
    let read = try #require(fields.first.flatMap { Int($0.dropFirst("rx_bytes=".count)) })
    #expect(read < client.sentByteCount, "the rest waits with the kernel")
  }

  @Test func `while all hold much, each may hold little, and a slow reader gets every answer`()
    throws
  {
    // Over a quarter of the bound, and under the bound, whatever part of it the kernel takes.
    let unsent = StuckClient.kernelMaximum / 2
    let server = try RunningServer(
      "[limits]\ntotal_write_buffer_bytes = \(4 * unsent - 65_536)\n" + StuckClient.settings)
    let stuck = try StuckClient.owed(unsent, by: server)
    // What is held is counted now and then: the first answers may still be those of good times.
    let client = try RawSocket.connect(port: server.port, receiveBuffer: 4_096)
    let requests = Array(repeating: Message.fast.frame, count: 2_000).flatMap { $0 }
    for _ in 0..<20 { try client.send(requests) }
    client.shutdownWrite()
    #expect(try client.receiveToEnd().count == 40_000 * 24)
    let lines = try server.logLines(containing: "requests=40000")
    #expect(lines[0].contains("reason=eof"))
    withExtendedLifetime(stuck) {}
  }

  @Test func `what clients held is gone with them, and the next one may hold as much`() throws {
    // Two of them hold more than a quarter of the bound, from which on all may hold little; one
    // holds less, whatever part of it the kernel takes.
    let unsent = 2 * StuckClient.kernelMaximum
    let server = try RunningServer(
      "[limits]\ntotal_write_buffer_bytes = \(13 * StuckClient.kernelMaximum)\n"
        + "partial_frame_timeout_seconds = 1\n" + StuckClient.settings)
    var stuck = [
      try StuckClient.owed(unsent, by: server), try StuckClient.owed(unsent, by: server),
    ]
    // Leaves last, so that the next one gets its place and not one of theirs.
    let last = try server.connect()
    // When its time is up, what all hold has been counted.
    let half = try server.connect()
    try half.send([5])
    #expect(try half.receiveToEnd().isEmpty)
    stuck = []
    _ = try server.logLines(containing: "reason=reset", count: 2)
    last.close()
    _ = try server.logLines(containing: "requests=0", count: 2)
    stuck = [try StuckClient.owed(unsent, by: server)]
    let asked = stuck[0].sentByteCount
    stuck = []
    let lines = try server.logLines(containing: "reason=reset", count: 3)
    #expect(lines[2].contains(" rx_bytes=\(asked) "), "\(lines[2]): not all of \(asked)")
  }

  #if os(Linux)
    @Test func `of a connection that is silent the system asks whether its host is there`() throws {
      let server = try RunningServer()
      let client = try server.connect()
      _ = try server.logLines(containing: "event=connect")
      // proc_pid_net(5): the local address, the peer's, the state (1 is established), both queues,
      // and the timer that runs, of which 2 is keep-alive's.
      let port = String(server.port, radix: 16, uppercase: true)
      let own = ":" + String(repeating: "0", count: 4 - port.count) + port
      let rows = try readFile("/proc/net/tcp").split(separator: "\n")
        .map { $0.split(separator: " ") }
        .filter { $0.count > 5 && $0[1].hasSuffix(own) && $0[3] == "01" }
      #expect(rows.count == 1 && rows[0][5].hasPrefix("02:"), "\(rows)")
      withExtendedLifetime(client) {}
    }
  #endif

  @Test func `a slow reader that does read gets every answer`() throws {
    let server = try RunningServer("[limits]\nwrite_buffer_bytes = 4096\n")
    let client = try RawSocket.connect(port: server.port, receiveBuffer: 4_096)
    let requests = Array(repeating: Message.fast.frame, count: 2_000).flatMap { $0 }
    for _ in 0..<5 { try client.send(requests) }
    client.shutdownWrite()
    let answers = try client.receiveToEnd()
    #expect(answers.count == 10_000 * 24)
    #expect(try server.logLines(containing: "event=disconnect")[0].contains("requests=10000"))
  }

  @Test func `what sleeps for ever is gone with its client, again and again`() throws {
    let server = try RunningServer("[limits]\nmax_sleeping_requests = 1000\n")
    let requests = Array(repeating: Message.slow(.max).frame, count: 1_000).flatMap { $0 }
    for round in 1...20 {
      let client = try server.connect()
      // All of the limit: nothing of the earlier rounds may count any more.
      try client.send(requests + Message.fast.frame)
      #expect(try client.receiveMessage().isFastResponse)
      client.close()
      _ = try server.logLines(containing: "event=disconnect", count: round)
    }
  }

  // MARK: Starting

  @Test func `the log can be JSON on standard output`() throws {
    let folder = try TemporaryFolder()
    try writeFile(folder.path + "/s.ini", "[log]\nformat = json\nfile = -\n")
    let program = try Program(
      "testtask-server", ["--config", folder.path + "/s.ini", "--port", "0"])
    let port = try #require(
      try program.readErrorLine()?.split(separator: "=").last.flatMap { UInt16($0) })
    try RawSocket.connect(port: port).close()
    let lines = try program.readLines { $0.contains("\"event\":\"disconnect\"") }
    #expect(lines.allSatisfy { $0.hasPrefix("{\"ts\":\"") && $0.hasSuffix("}") })
    program.send(signal: SIGTERM)
    #expect(try program.wait() == .exit(0))
  }

  @Test func `what cannot work is one clear line and exit 1`() throws {
    let folder = try TemporaryFolder()
    mkfifo(folder.path + "/fifo", 0o600)
    for (arguments, word) in [
      (["--log-file", folder.path], "Is a directory"),
      (["--log-file", folder.path + "/fifo"], "fifo"),
      (["--log-file", folder.path + "/none/log"], "No such file"),
      (["--address", "127.1"], "127.1"), (["--address", "localhost"], "localhost"),
      (["--address", "192.0.2.1"], "address not available"),
    ] {
      let program = try Program(
        "testtask-server", ["--port", "0"] + arguments, directory: folder.path)
      let errors = try program.readErrorsToEnd()
      #expect(errors.count == 1 && errors[0].contains(word), "\(errors)")
      #expect(try program.wait() == .exit(1))
    }
  }

  @Test func `a dump is an ini with the same settings`() throws {
    let folder = try TemporaryFolder()
    let arguments = ["--port", "7", "--log-file", "a #\u{E4};b", "--dump-config"]
    let first = try Program("testtask-server", arguments, directory: folder.path)
    let dump = try first.readOutputToEnd().joined(separator: "\n")
    try writeFile(folder.path + "/dump.ini", dump)
    let second = try Program(
      "testtask-server", ["--config", "dump.ini", "--dump-config"], directory: folder.path)
    let again = try second.readOutputToEnd().joined(separator: "\n")
    let values = { (text: String) in
      text.split(separator: "\n").map { $0.split(separator: "  # ")[0] }
    }
    #expect(values(again) == values(dump))
    #expect(values(again).contains("file = \"a #\u{E4};b\""))
  }

  @Test(arguments: [
    ["--port", "65536"], ["--port", "x"], ["--nosuch"], ["stray"], ["--port"],
    ["--log-file", "both \" and #"], ["--log-file", "a\nb"],
  ])
  func `wrong flags are a matter of usage`(arguments: [String]) throws {
    let program = try Program("testtask-server", arguments)
    #expect(try !program.readErrorsToEnd().isEmpty)
    #expect(try program.wait() == .exit(64))
  }

  @Test func `an ini that cannot be read is exit 78`() throws {
    let program = try Program("testtask-server", ["--config", "/nonexistent.ini"])
    #expect(try program.readErrorsToEnd().first?.hasPrefix("/nonexistent.ini: error: ") == true)
    #expect(try program.wait() == .exit(78))
  }

  @Test func `a dump tells every value and its origin, the last of two flags among them`() throws {
    let folder = try TemporaryFolder()
    try writeFile(folder.path + "/s.ini", "[server]\n\nport = 1\nbacklog = 9\n")
    let program = try Program(
      "testtask-server", ["--config", "s.ini", "--dump-config", "--port", "2", "--port", "3"],
      directory: folder.path)
    let lines = try program.readOutputToEnd()
    #expect(lines.contains("port = 3  # --port"))
    #expect(lines.contains("backlog = 9  # s.ini:4"))
    #expect(lines.contains("half_close = no  # default"))
    #expect(lines.count { $0.contains(" = ") } == 32)
    #expect(try program.wait() == .exit(0))
  }

  @Test func `a check makes no file, and takes a port in use for the server's own`() throws {
    let server = try RunningServer()
    let log = server.folder.path + "/other.log"
    let arguments = ["--check-config", "--port", "\(server.port)", "--log-file"]
    let good = try Program("testtask-server", arguments + [log])
    #expect(try good.readErrorsToEnd().contains { $0.contains("in use") })
    #expect(try good.wait() == .exit(0))
    #expect(access(log, F_OK) == -1)
    let bad = try Program("testtask-server", arguments + ["/nonexistent/log"])
    _ = try bad.readErrorsToEnd()
    #expect(try bad.wait() == .exit(1))
  }

  @Test func `beyond loopback it warns loudly`() throws {
    let folder = try TemporaryFolder()
    let program = try Program(
      "testtask-server", ["--address", "0.0.0.0", "--port", "0", "--log-file", "log"],
      directory: folder.path)
    #expect(try program.readErrorLine()?.contains("no authentication") == true)
    #expect(try program.readErrorLine()?.hasPrefix("listening address=0.0.0.0 port=") == true)
  }

  #if os(Linux)
    @Test func `a full log costs lines and no service`() throws {
      let folder = try TemporaryFolder()
      let program = try Program(
        "testtask-server", ["--port", "0", "--log-file", "/dev/full"], directory: folder.path)
      let port = try #require(
        try program.readErrorLine()?.split(separator: "=").last.flatMap { UInt16($0) })
      let client = try RawSocket.connect(port: port)
      try client.send(.fast)
      #expect(try client.receiveMessage().isFastResponse)
      program.send(signal: SIGTERM)
      #expect(try program.wait() == .exit(0))
    }

    @Test(arguments: ["", "@"])
    func `the service manager hears of readiness, reloading and stopping`(prefix: String) throws {
      let folder = try TemporaryFolder()
      let manager = try NotifySocket(folder.path + "/notify", isAbstract: prefix == "@")
      let program = try Program(
        "testtask-server", ["--port", "0", "--log-file", folder.path + "/log"],
        environment: ["NOTIFY_SOCKET": prefix + folder.path + "/notify"])
      #expect(manager.receive() == "READY=1")
      #expect(manager.receive() == "STATUS=0 clients, 0 sleeping requests, 0 requests/s")
      let before = monotonicMicroseconds
      program.send(signal: SIGHUP)
      let reloading = manager.receive().split(separator: "\n")
      #expect(reloading.first == "RELOADING=1")
      let time = try #require(reloading.last?.split(separator: "=").last.flatMap { Int($0) })
      #expect(reloading.last == "MONOTONIC_USEC=\(time)")
      #expect((before...monotonicMicroseconds).contains(time))
      #expect(manager.receive() == "READY=1")
      program.send(signal: SIGTERM)
      #expect(manager.receive() == "STOPPING=1")
      #expect(try program.wait() == .exit(0))
    }
  #endif

  @Test(arguments: [
    ("--dump-config >/dev/full", "cannot write to standard output: "),
    ("--dump-config >&-", "cannot write to standard output: it is closed"),
  ])
  func `settings that cannot be printed are an error`(call: String, reason: String) throws {
    let server = try Program(
      "/bin/sh", ["-c", "exec \"$0\" \(call)", Program.buildFolder + "/testtask-server"])
    let errors = try server.readErrorsToEnd()
    #expect(errors.count == 1 && errors[0].contains(reason), "\(errors)")
    #expect(try server.wait() == .exit(1))
  }

  @Test func `sockets that are handed over wrongly end the start with what is wrong`() throws {
    let server = try Program(
      "/bin/sh",
      [
        "-c", "LISTEN_PID=$$ LISTEN_FDS=-1 exec \"$0\"",
        Program.buildFolder + "/testtask-server",
      ])
    let errors = try server.readErrorsToEnd()
    #expect(errors.count == 1 && errors[0].contains("is no number of sockets"), "\(errors)")
    #expect(try server.wait() == .exit(1))
  }

}

private var monotonicMicroseconds: Int {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int(time.tv_sec) * 1_000_000 + Int(time.tv_nsec) / 1_000
}

extension RunningServer {
  fileprivate var iniPath: String { folder.path + "/server.ini" }

  fileprivate var descriptorCount: Int {
    guard let folder = opendir("/proc/\(program.processID)/fd") else { return 0 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
  }

  /// Whether a new connection is closed without having been served.
  fileprivate func isTurnedAway() -> Bool {
    guard let client = try? connect() else { return true }
    do { return try client.receiveToEnd().isEmpty } catch RawSocket.Failure.timedOut {
      return false
    } catch {
      return true
    }
  }
}

extension StringProtocol {
  fileprivate func count(of text: String) -> Int {
    var (count, rest) = (0, Substring(self))
    while let range = rest.firstRange(of: text) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}
