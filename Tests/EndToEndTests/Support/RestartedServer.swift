import UVNet
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A server at one port that is killed, or asked to end, and started again; by turns.
final class RestartedServer {
  private(set) var current: RunningServer
  private(set) var restarts = 0
  private(set) var complaints: [String] = []
  /// Whether it is killed next, or asked to end.
  private var isKilledNext: Bool
  private var timer: LoopTimer?
  private var left = 0
  private var interval = Duration.zero
  /// Connects and disconnects in the logs of those that ended properly.
  private var pairs = 0
  private var drained = 0

  var port: UInt16 { current.port }
  var summary: String {
    "\(restarts) restarts of the server, \(pairs) pairs in the logs of \(drained) drained ones"
  }

  private static let settings =
    "[limits]\npartial_frame_timeout_seconds = 2\ndrain_timeout_seconds = 1\n"

  init(seed: UInt64) throws {
    isKilledNext = seed.isMultiple(of: 2)
    // Below the ports that the system gives to whoever connects: while the server is away, one of
    // the many who try to reach it would sooner or later get its port, and keep it.
    var random = SplitMix64(seed: seed)
    var server: RunningServer?
    for _ in 0..<20 where server == nil {
      server = try? RunningServer(Self.settings, port: UInt16(15_000 + random.below(15_000)))
    }
    current = try server ?? RunningServer(Self.settings)
  }

  /// Restarts it every minute or, in a short run, four times; the last part is left in peace.
  func beginRestarting(for duration: Duration, on loop: EventLoop) {
    interval = min(.seconds(60), duration / 6)
    left = Int(duration / interval) - 2
    timer = .unscheduled(on: loop) { [unowned self] timer in turn(timer) }
    timer?.schedule(after: interval)
  }

  func endRestarting() {
    timer?.cancel()
    timer = nil
    // One that is still draining has a second for it.
    if isEnding { restart(expecting: .exit(0)) }
  }

  private var isEnding = false
  private var hasEnded: Bool {
    (try? current.program.status("State").hasPrefix("Z")) ?? true
  }

  private func turn(_ timer: LoopTimer) {
    if isEnding {
      guard hasEnded else { return timer.schedule(after: .milliseconds(20)) }
      restart(expecting: .exit(0))
    } else if hasEnded {
      complaints.append(
        "the server has ended by itself: \(String(describing: try? current.program.wait()))")
      restart(expecting: nil)
    } else if isKilledNext {
      isKilledNext = false
      current.program.send(signal: SIGKILL)
      restart(expecting: .signal(SIGKILL))
    } else {
      current.program.send(signal: SIGTERM)
      isKilledNext = true
      isEnding = true
      return timer.schedule(after: .milliseconds(20))
    }
    left -= 1
    if left > 0 { timer.schedule(after: interval) }
  }

  private func restart(expecting expected: Program.Ending?) {
    isEnding = false
    do {
      if let expected {
        let ending = try current.program.wait()
        if ending != expected { complaints.append("the server ended with \(ending)") }
        if ending == .exit(0) { try checkLog(of: current) }
      }
      current = try RunningServer(Self.settings, port: port)
      restarts += 1
    } catch {
      complaints.append("\(error)")
    }
  }

  /// A server that has ended properly has logged a disconnect for each connect, and its end.
  func checkLog(of server: RunningServer) throws {
    let log = try readFile(server.logPath).split(separator: "\n")
    let connects = log.count { $0.contains("event=connect ") }
    let disconnects = log.count { $0.contains("event=disconnect ") }
    if connects != disconnects || log.last?.contains("event=stop") != true {
      complaints.append("\(connects) connects, \(disconnects) disconnects, \(log.last ?? "no log")")
    }
    pairs += disconnects
    drained += 1
  }
}
