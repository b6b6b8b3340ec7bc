import UVNet

/// Turns events into the lines of the log, for people or as JSON.
struct EventFormatter {
  /// What stands before a line for people.
  enum Stamp: String, CaseIterable {
    case utc, local, delta, none
  }

  var isJSON = false
  var isColoured = false
  var stamp = Stamp.local
  private var last: WallTime?

  init(isJSON: Bool = false, isColoured: Bool = false, stamp: Stamp = .local) {
    self.isJSON = isJSON
    self.isColoured = isColoured
    self.stamp = stamp
  }

  /// The line for one event, without a line end; nil when it is not worth one.
  mutating func line(for event: SessionEvent, at time: WallTime) -> String? {
    if isJSON { return Self.json(event, time) }
    guard let (colour, words) = Self.words(for: event) else { return nil }
    var prefix = ""
    switch stamp {
    case .utc: prefix = time.rfc3339 + " "
    case .local: prefix = time.localTime + " "
    case .delta:
      let gap = max(0, time.microseconds &- (last ?? time).microseconds)
      let decimals = String(gap % 1_000_000 / 1000 + 1000).dropFirst()
      prefix = "+\(gap / 1_000_000).\(decimals) "
    case .none: break
    }
    last = time
    return isColoured ? "\u{1b}[\(colour)m\(prefix)\(words)\u{1b}[0m" : prefix + words
  }

  private static let red = 31
  private static let green = 32
  private static let yellow = 33
  private static let cyan = 36
  private static let plain = 0

  /// The line without its stamp, and the terminal's colour for it.
  private static func words(for event: SessionEvent) -> (colour: Int, words: String)? {
    switch event {
    case .connecting(let peer): return (plain, "connecting to \(peer)")
    case .connected(let peer): return (green, "connected to \(peer)")
    case .connectFailed(let peer, let cause, let delay):
      let reason = cause.reason.escapedForTerminal
      return (yellow, "connect to \(peer) failed: \(reason)\(retry(delay))")
    case .disconnected(let peer, let cause, let delay):
      let reason = cause.reason.escapedForTerminal
      return (yellow, "disconnected from \(peer): \(reason)\(retry(delay))")
    case .sent(let request): return (plain, "sent \(request.name)")
    case .received(let request, let answer, let roundTrip):
      var content: String
      switch answer {
      case .fast(let time): content = "time \(time.escapedForTerminal)"
      case .slow(let count): content = "\(count) client\(count == 1 ? "" : "s")"
      }
      if request.skippedTicks > 1 { content += ", \(request.skippedTicks) ticks skipped" }
      return (cyan, "received \(request.name): \(content) in \(roundTrip.readableMilliseconds) ms")
    case .skipped(let request):
      // One line a request: a slow one at a short period would bury everything else.
      guard request.skippedTicks == 1 else { return nil }
      return (yellow, "skipped a tick: \(request.name) is unanswered")
    case .lost(let request, let cause):
      return (red, "lost \(request.name): \(cause.reason.escapedForTerminal)")
    case .violation(_, let reason):
      return (red, "protocol violation: \(reason.escapedForTerminal)")
    }
  }

  private static func retry(_ delay: Duration?) -> String {
    delay.map { "; again in \($0.decimalSeconds) s" } ?? ""
  }

  private static func json(_ event: SessionEvent, _ time: WallTime) -> String {
    var line = JSONLine()
    line.add("ts", time.rfc3339)
    switch event {
    case .connecting(let peer):
      line.add("event", "connecting")
      line.add("peer", peer.description)
    case .connected(let peer):
      line.add("event", "connected")
      line.add("peer", peer.description)
    case .connectFailed(let peer, let cause, let delay):
      line.add("event", "connect_failed")
      line.add("peer", peer.description)
      line.add("reason", cause.reason)
      line.add("retry_in_s", delay)
    case .disconnected(let peer, let cause, let delay):
      line.add("event", "disconnected")
      line.add("peer", peer.description)
      line.add("reason", cause.reason)
      line.add("retry_in_s", delay)
    case .sent(let request):
      line.add("event", "sent")
      add(request, to: &line)
    case .received(let request, let answer, let roundTrip):
      line.add("event", "received")
      add(request, to: &line)
      line.add("rtt_us", roundTrip.microseconds)
      switch answer {
      case .fast(let time): line.add("server_time", time)
      case .slow(let count): line.add("connected_clients", count)
      }
    case .skipped(let request):
      line.add("event", "skipped")
      add(request, to: &line)
    case .lost(let request, let cause):
      line.add("event", "lost")
      add(request, to: &line)
      line.add("reason", cause.reason)
    case .violation(let peer, let reason):
      line.add("event", "error")
      line.add("peer", peer.description)
      line.add("reason", "protocol violation: \(reason)")
    }
    return line.text
  }

  private static func add(_ request: Request, to line: inout JSONLine) {
    line.add("id", request.id)
    switch request.kind {
    case .fast: line.add("type", "fast")
    case .slow(let seconds):
      line.add("type", "slow")
      line.add("sleep_s", seconds)
    }
  }
}
