import TestTaskDaemonSupport
import TestTaskProgramBasics
import Testing

@testable import TestTaskServerCore

@Suite struct MetricsTests {
  private static let second: UInt64 = 1_000_000_000
  private static let output = OutputState(unsent: 0, writable: 10_000)

  private func lines(_ core: ServerCore, _ facts: ProcessFacts = ProcessFacts()) -> [Substring] {
    String(decoding: core.metricsText(facts).bytes, as: UTF8.self).split(separator: "\n")
  }

  private func value(_ name: String, _ core: ServerCore) -> String? {
    lines(core).first { $0.hasPrefix(name + " ") }.map { String($0.dropFirst(name.utf8.count + 1)) }
  }

  @Test func `clients, requests and answers are counted`() throws {
    var values = Configuration()
    values.maxConnections = 2
    var core = ServerCore(values, descriptorRoom: 100)
    let places = [0, 1, 2].compactMap { _ in core.connected(peer: "peer", at: 0) }
    #expect(places.count == 2)
    let fast: [UInt8] = [2, 0x1A, 0, 2, 0x1A, 0]
    let slow: [UInt8] = [4, 0x22, 2, 8, 1]
    let answers = core.received(fast.span.bytes, from: places[0], output: Self.output, at: 0)
    #expect(answers == 2)
    for _ in 0..<2 {
      _ = core.received(slow.span.bytes, from: places[0], output: Self.output, at: 0)
    }
    #expect(value("testtask_clients", core) == "2")
    #expect(value("testtask_clients_limit", core) == "2")
    #expect(value("testtask_rejected_total", core) == "1")
    #expect(value("testtask_requests_total{type=\"fast\"}", core) == "2")
    #expect(value("testtask_requests_total{type=\"slow\"}", core) == "2")
    #expect(value("testtask_sleeping_requests", core) == "2")
    // 300 µs late.
    while core.nextAnswer(at: Self.second + 300_000) != nil {}
    #expect(value("testtask_answer_lateness_seconds_bucket{le=\"0.0001\"}", core) == "0")
    #expect(value("testtask_answer_lateness_seconds_bucket{le=\"0.0005\"}", core) == "2")
    #expect(value("testtask_answer_lateness_seconds_sum", core) == "0.0006")
    #expect(value("testtask_sleeping_requests", core) == "0")
    core.ended(places[0], at: 0)
    core.closed(places[1], .reset, unsent: 0, at: 0)
    #expect(value("testtask_connects_total", core) == "2")
    #expect(value("testtask_disconnects_total{reason=\"eof\"}", core) == "1")
    #expect(value("testtask_disconnects_total{reason=\"reset\"}", core) == "1")
    #expect(value("testtask_clients", core) == "0")
    core.metrics.countCallback(7_000)
    #expect(value("testtask_callback_seconds_bucket{le=\"0.00001\"}", core) == "1")
    #expect(value("testtask_callback_seconds_bucket{le=\"0.000005\"}", core) == "0")
  }

  @Test func `each reason for a disconnect has its own number`() {
    var metrics = Metrics()
    for (index, reason) in DisconnectReason.allCases.enumerated() {
      for _ in 0...index { metrics.countDisconnect(reason) }
    }
    #expect(metrics.disconnectsByReason.map(\.label) == DisconnectReason.allCases.map(\.rawValue))
    #expect(
      metrics.disconnectsByReason.map(\.value)
        == DisconnectReason.allCases.indices.map { UInt64($0 + 1) })
  }

  @Test func `a drain is seen, and nobody is to send new clients`() {
    var core = ServerCore(Configuration(), descriptorRoom: 100)
    #expect(core.complaint == nil)
    #expect(value("testtask_draining", core) == "0")
    _ = core.connected(peer: "peer", at: 0)
    core.signalled(15, named: "SIGTERM", at: 0) { _ in Traffic() }
    #expect(core.complaint == "draining")
    #expect(value("testtask_draining", core) == "1")
  }

  @Test func `what the process tells of itself is shown`() {
    var facts = ProcessFacts()
    facts.startedAt = 1_700_000_000_500_000_000
    facts.processorTime = 250_000_000
    (facts.reloads, facts.failedReloads) = (3, 4)
    facts.logLinesLost = 5
    (facts.bytesRead, facts.bytesWritten, facts.loopTurns) = (6, 7, 8)
    (facts.version, facts.libuv, facts.swift) = ("1.2", "1.44", "6.3")
    let lines = lines(ServerCore(Configuration(), descriptorRoom: 100), facts)
    for line in [
      "testtask_build_info{version=\"1.2\",libuv=\"1.44\",swift=\"6.3\"} 1",
      "process_start_time_seconds 1700000000.5", "process_cpu_seconds_total 0.25",
      "testtask_reloads_total{result=\"ok\"} 3", "testtask_reloads_total{result=\"failed\"} 4",
      "testtask_log_lines_lost_total 5", "testtask_received_bytes_total 6",
      "testtask_sent_bytes_total 7", "testtask_loop_turns_total 8",
    ] { #expect(lines.contains(Substring(line)), "\(line)") }
  }

  @Test func `every metric has one help and one type, and names keep to the conventions`() {
    let lines = lines(ServerCore(Configuration(), descriptorRoom: 100))
    let helps = lines.filter { $0.hasPrefix("# HELP ") }.map { $0.split(separator: " ")[2] }
    let types = lines.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ") }
    #expect(helps == types.map { $0[2] })
    #expect(Set(helps).count == helps.count)
    for type in types { #expect(type[2].hasSuffix("_total") == (type[3] == "counter"), "\(type)") }
  }
}
