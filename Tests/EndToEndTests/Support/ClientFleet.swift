import TestTaskTestSupport
import UVNet
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Many of our own clients, in periodic mode and reconnecting, which are killed and started again;
/// each one's log is checked event by event.
final class ClientFleet {
  private(set) var complaints: [String] = []
  private(set) var answers = 0
  private var kills = 0
  private var lost = 0
  private var processes = 0
  private var random: SplitMix64
  private let interval: Int
  private let folder: TemporaryFolder?
  private var clients: [(program: Program, log: String)] = []
  private var timer: LoopTimer?
  private var relay = SocketAddress(.loopback, port: 0)

  var summary: String {
    "\(processes) client processes, \(kills) killed, \(answers) answers, \(lost) requests lost"
  }

  /// A fleet whose clients ask every `interval` milliseconds.
  init(seed: UInt64, interval: Int) {
    random = SplitMix64(seed: seed &+ 1)
    self.interval = interval
    folder = try? TemporaryFolder()
  }

  func begin(_ count: Int, connectingTo relay: SocketAddress, on loop: EventLoop) {
    self.relay = relay
    for _ in 0..<count { start() }
    timer = .unscheduled(on: loop) { [unowned self] timer in
      if !clients.isEmpty { end(at: random.below(clients.count), by: random) }
      start()
      timer.schedule(after: .milliseconds(200 + random.below(600)))
    }
    timer?.schedule(after: .milliseconds(200))
  }

  func end() {
    timer?.cancel()
    timer = nil
    while !clients.isEmpty { end(at: 0, by: nil) }
  }

  private func start() {
    processes += 1
    let log = "\(folder?.path ?? "/tmp")/client-\(processes).log"
    let request = random.below(4) == 0 ? "slow \(random.below(2))" : "fast"
    do {
      let program = try Program(
        "testtask-client",
        [
          "\(relay)", "--json", "--log-file", log, "--reconnect", "1", "--timeout", "5", "-e",
          "log off", "-e", "every \(interval) \(request)", "-e", "sleep 1000000",
        ])
      clients.append((program, log))
    } catch {
      complaints.append("\(error)")
    }
  }

  /// Kills one, by chance without warning, and checks what it has logged.
  private func end(at place: Int, by random: SplitMix64?) {
    var random = random
    let (program, log) = clients.remove(at: place)
    // One that has logged nothing may not have its handlers yet.
    let isUp = (try? readFile(log).isEmpty) == false
    let signal = !isUp || random?.below(2) == 0 ? SIGKILL : SIGTERM
    if random != nil { kills += 1 }
    do {
      if try program.status("Threads") != "1" { complaints.append("a client has threads") }
      program.send(signal: signal)
      let ending = try program.wait()
      if ending != (signal == SIGKILL ? .signal(SIGKILL) : .exit(143)) {
        complaints.append("a client ended with \(ending): \(try program.readErrorsToEnd())")
      }
      if isUp { check(try readFile(log)) }
    } catch {
      complaints.append("\(error)")
    }
    unlink(log)
  }

  /// Each answer belongs to the one request that is unanswered; each request is answered or lost.
  private func check(_ log: String) {
    var unanswered: (id: Int, type: Substring)?
    var last = 0
    for line in log.split(separator: "\n") {
      func value(_ key: String) -> Substring { Self.value(of: key, in: line) }
      func complain(_ what: String) { complaints.append("\(what): \(line)") }
      let id = Int(value("id")) ?? -1
      switch value("event") {
      case "sent":
        if unanswered != nil || id != last + 1 { complain("a request too many") }
        (unanswered, last) = ((id, value("type")), id)
      case "received":
        guard let request = unanswered, request.id == id, request.type == value("type") else {
          complain("an answer to nothing")
          continue
        }
        let isRight =
          request.type == "fast"
          ? value("server_time").utf8.count == 19 : Int(value("connected_clients")) ?? 0 > 0
        if !isRight { complain("a wrong answer") }
        unanswered = nil
        answers += 1
      case "lost":
        if unanswered?.id != id { complain("what was not asked is lost") }
        unanswered = nil
        lost += 1
      case "disconnected":
        if unanswered != nil { complain("neither answered nor lost") }
      case "skipped":
        if unanswered == nil { complain("skipped for nothing") }
      case "connecting", "connected", "connect_failed": break
      // A connection that is cut inside an answer.
      case "error" where line.contains("truncated"): break
      default: complain("unexpected")
      }
    }
  }

  /// The value of a key of one JSON object, without its quotes.
  private static func value(of key: String, in line: Substring) -> Substring {
    guard let start = line.firstRange(of: "\"\(key)\":")?.upperBound else { return "" }
    return line[start...].prefix { $0 != "," && $0 != "}" }.drop { $0 == "\"" }
      .prefix { $0 != "\"" }
  }
}
