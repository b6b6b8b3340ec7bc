import TestTaskTestSupport
import TestTaskProto
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The real server, driven by raw sockets.
///
/// Numbers such as S3 are paragraphs of the task.
@Suite struct ServerProgramTests {
  @Test func `a fast request is answered with the time now (S2, P4)`() throws {
    let server = try RunningServer()
    let client = try server.connect()
    let before = localTime()
    try client.send(.fast)
    guard case .fastResponse(let text) = try client.receiveMessage() else {
      Issue.record("not a fast response")
      return
    }
    let after = localTime()
    #expect(text.utf8.count == 19)
    #expect(before <= text.prefix(15) && text.prefix(15) <= after)
    #expect(try server.terminate() == .exit(0))
  }

  @Test func `requests torn into single bytes, and several in one piece, are answered (P2)`() throws
  {
    let server = try RunningServer()
    let client = try server.connect()
    for byte in Message.fast.frame + Message.slow(0).frame { try client.send([byte]) }
    #expect(try client.receiveMessage().isFastResponse)
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    try client.send(.fast, .fast, .fast)
    #expect(try client.receiveMessages(3).count { $0.isFastResponse } == 3)
  }

  @Test func `ten thousand requests in one write get ten thousand answers in order`() throws {
    let server = try RunningServer()
    let client = try server.connect()
    let requests = [UInt8](Array(repeating: Message.fast.frame, count: 10_000).joined())
    try client.send(requests)
    let answers = try client.receiveMessages(10_000)
    #expect(answers.count { $0.isFastResponse } == 10_000)
    let times = answers.compactMap { if case .fastResponse(let time) = $0 { time } else { nil } }
    #expect(times == times.sorted())
    #expect(try server.program.status("Threads") == "1")
  }

  @Test func `answers of one connection come as they are due, and never early (S3)`() throws {
    let server = try RunningServer()
    let client = try server.connect()
    let start = ContinuousClock.now
    try client.send(.slow(2), .slow(1), .fast)
    #expect(try client.receiveMessage().isFastResponse)
    let other = try server.connect()
    try other.send(.fast)
    #expect(try other.receiveMessage().isFastResponse)
    // Both slow ones captured their count when they came, before the other client.
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    #expect(ContinuousClock.now - start >= .seconds(1))
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    #expect(ContinuousClock.now - start >= .seconds(2))
    #expect(try server.program.status("Threads") == "1")
  }

  @Test func `the count is that of the moment of receipt, the asker included (S3)`() throws {
    let server = try RunningServer()
    let asker = try server.connect()
    let other = try server.connect()
    try other.send(.fast)
    _ = try other.receiveMessage()
    try asker.send(.slow(1))
    // Received, since the answer to what follows it has come.
    try asker.send(.fast)
    _ = try asker.receiveMessage()
    other.close()
    _ = try server.logLines(containing: "event=disconnect")
    #expect(try asker.receiveMessage() == .slowResponse(connectedClientCount: 2))
    try asker.send(.slow(0))
    #expect(try asker.receiveMessage() == .slowResponse(connectedClientCount: 1))
  }

  @Test(
    arguments: [
      ([0x80, 0x80, 0x80, 0x80, 0x80, 0x00], "malformedLength"),
      ([0xff, 0xff, 0xff, 0xff, 0x0f], "frameTooLarge"),
      ([0x03, 0x22, 0x02, 0x08], "malformedMessage"), ([0x00], "noField"),
      ([0x06, 0x1a, 0x00, 0x22, 0x02, 0x08, 0x01], "severalFields"),
      ([0x04, 0x12, 0x02, 0x08, 0x03], "unexpectedMessage"),
    ] as [([UInt8], String)])
  func `a violation closes that one connection, and the log names it and its offset (P6, P7)`(
    bytes: [UInt8], kind: String
  ) throws {
    let server = try RunningServer()
    let neighbour = try server.connect()
    let offender = try server.connect()
    // What is due before it is still answered; what sleeps is dropped.
    try offender.send(Message.fast.frame + Message.slow(100).frame + bytes)
    let answers = try offender.receiveToEnd()
    #expect(answers.count == 24)
    let line = try server.logLines(containing: "event=disconnect")[0]
    #expect(line.contains("reason=violation"))
    #expect(line.contains("violation=\(kind)"))
    #expect(line.contains("offset=8"))
    try neighbour.send(.slow(0))
    #expect(try neighbour.receiveMessage() == .slowResponse(connectedClientCount: 1))
  }

  @Test func `the end of a stream inside a frame is the violation truncated (P6)`() throws {
    let server = try RunningServer()
    let client = try server.connect()
    try client.send(Message.fast.frame + [0x04, 0x22])
    client.shutdownWrite()
    #expect(try client.receiveToEnd().count == 24)
    let line = try server.logLines(containing: "event=disconnect")[0]
    #expect(line.contains("violation=truncated") && line.contains("offset=3"))
  }

  @Test func `an end of stream is a departure: due answers are written, sleepers dropped (S5)`()
    throws
  {
    let server = try RunningServer()
    let client = try server.connect()
    try client.send(.fast, .slow(100))
    client.shutdownWrite()
    #expect(try client.receiveToEnd().count == 24)
    let line = try server.logLines(containing: "event=disconnect")[0]
    #expect(line.contains("reason=eof") && line.contains("clients=0"))
    #expect(line.contains("requests=2") && line.contains("rx_bytes=8"))
    #expect(line.contains("tx_bytes=24"))
  }

  @Test func `with half_close the sleeping answers still come (S5)`() throws {
    let server = try RunningServer("[server]\nhalf_close = yes\n")
    let client = try server.connect()
    try client.send(.slow(1), .fast)
    client.shutdownWrite()
    #expect(try client.receiveMessage().isFastResponse)
    #expect(try client.receiveMessage() == .slowResponse(connectedClientCount: 1))
    #expect(try client.receiveToEnd().isEmpty)
    #expect(try server.logLines(containing: "event=disconnect")[0].contains("reason=eof"))
  }

  @Test func `every connect has one disconnect with its reason (S4)`() throws {
    let server = try RunningServer()
    let resets = try server.connect()
    try resets.send(.slow(4_294_967_295), .fast)
    _ = try resets.receiveMessage()
    resets.reset()
    #expect(
      try server.logLines(containing: "event=disconnect").last?.contains("reason=reset") == true)
    let stays = try server.connect()
    try stays.send(.fast)
    _ = try stays.receiveMessage()
    #expect(try server.terminate() == .exit(0))
    #expect(try stays.receiveToEnd().isEmpty)
    let log = try readFile(server.logPath).split(separator: "\n")
    let connects = log.filter { $0.contains("event=connect ") }
    let disconnects = log.filter { $0.contains("event=disconnect ") }
    #expect(connects.count == 2 && disconnects.count == 2)
    #expect(connects[0].contains("conn=1 ") && disconnects[0].contains("conn=1 "))
    #expect(disconnects[1].contains("reason=shutdown"))
  }

  @Test func `a thousand clients are served at once by one thread`() throws {
    try raiseDescriptorLimit()
    let server = try RunningServer()
    let clients = try (0..<1000).map { _ in try server.connect() }
    for client in clients { try client.send(.fast) }
    for client in clients { #expect(try client.receiveMessage().isFastResponse) }
    try clients[0].send(.slow(0))
    #expect(try clients[0].receiveMessage() == .slowResponse(connectedClientCount: 1000))
    #expect(try server.program.status("Threads") == "1")
    for client in clients { client.close() }
    _ = try server.logLines(containing: "event=disconnect", count: 1000)
  }

  @Test func `all that is wrong with an ini is said, with line and column, and exit 78`() throws {
    let folder = try TemporaryFolder()
    let ini = folder.path + "/bad.ini"
    try writeFile(ini, "[server]\nprot = 1\nport = 65536\n[nosuch]\n")
    let program = try Program("testtask-server", ["--config", ini])
    let errors = try program.readErrorsToEnd()
    #expect(errors.count == 3)
    #expect(
      errors.first
        == "\(ini):2:1: error: unknown key \"prot\" in [server]; did you mean \"port\"?")
    #expect(try program.wait() == .exit(78))
  }

  @Test func `a port in use is one clear line and exit 1`() throws {
    let first = try RunningServer()
    let second = try Program(
      "testtask-server", ["--port", "\(first.port)", "--log-file", first.folder.path + "/second"])
    let errors = try second.readErrorsToEnd()
    #expect(errors.count == 1)
    #expect(errors[0].contains("address already in use"))
    #expect(try second.wait() == .exit(1))
  }

  @Test func `SIGINT ends it like SIGTERM`() throws {
    let server = try RunningServer()
    server.program.send(signal: SIGINT)
    #expect(try server.program.wait() == .exit(0))
  }

  private func localTime() -> String {
    // The clock that the server reads: time(2) may lag behind it by a tick of the kernel's.
    var precise = timespec()
    clock_gettime(CLOCK_REALTIME, &precise)
    var now = precise.tv_sec
    var parts = tm()
    localtime_r(&now, &parts)
    func pad(_ number: Int32, _ width: Int) -> String {
      let digits = "\(number)"
      return String(repeating: "0", count: width - digits.count) + digits
    }
    return pad(parts.tm_year + 1900, 4) + pad(parts.tm_mon + 1, 2) + pad(parts.tm_mday, 2) + "T"
      + pad(parts.tm_hour, 2) + pad(parts.tm_min, 2) + pad(parts.tm_sec, 2)
  }

  private func raiseDescriptorLimit() throws {
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = min(limit.rlim_max, 8192)
    #expect(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
  }
}
