import TestTaskProgramBasics
import TestTaskProto

/// Turns events into the lines of the log, for people or as JSON.
package struct EventFormatter {
  /// The time stamp before a line for people.
  package enum Stamp: String, CaseIterable {
    case utc, local, delta, none
  }

  private enum Colour: Int {
    case red = 31
    case green, yellow
    case cyan = 36
  }

  var isJSON = false
  var isColoured = false
  var stamp = Stamp.local
  /// Whether lines for people show the bytes of a frame that breaks the protocol; JSON always does.
  var isVerbose = false
  private var last: Int64?
  private var utc = TimeText(.utc)
  private var local = TimeText(.local)

  init(
    isJSON: Bool = false, isColoured: Bool = false, stamp: Stamp = .local, isVerbose: Bool = false
  ) {
    (self.isJSON, self.isColoured) = (isJSON, isColoured)
    (self.stamp, self.isVerbose) = (stamp, isVerbose)
  }

  /// The line for an event at a time in nanoseconds since 1970, without a line end; nil when the event
  /// is not logged.
  mutating func line(for event: SessionEvent, at time: Int64) -> String? {
    if isJSON { return json(event, time) }
    guard let (colour, words) = words(for: event) else { return nil }
    let line = prefix(time) + words
    guard isColoured, let colour else { return line }
    return "\u{1b}[\(colour.rawValue)m\(line)\u{1b}[0m"
  }

  /// The line that counts lines of the log which were lost.
  mutating func line(forLost count: Int, at time: Int64) -> String {
    let words = "\(count) line\(count == 1 ? "" : "s") of the log could not be written"
    guard isJSON else { return prefix(time) + words }
    var line = JSONLine()
    line.add("ts", utcTime(time))
    line.add("event", "error")
    line.add("reason", words)
    return line.text
  }

  /// The time stamp before a line for people.
  private mutating func prefix(_ time: Int64) -> String {
    defer { last = time }
    switch stamp {
    case .utc: return utcTime(time) + " "
    case .local:
      // The time of day, without the date and the zone.
      local.update(wallClockNanoseconds: time)
      return String(decoding: local.text[11..<23], as: UTF8.self) + " "
    case .delta:
      let milliseconds = max(0, time - (last ?? time)) / 1_000_000
      return "+\(milliseconds / 1000).\(DecimalDigits.text(Int(milliseconds % 1000), count: 3)) "
    case .none: return ""
    }
  }

  /// The line without its stamp, and its colour on a terminal.
  private func words(for event: SessionEvent) -> (Colour?, String)? {
    switch event {
    case .connecting(let peer): return (nil, "connecting to \(peer)")
    case .connected(let peer): return (.green, "connected to \(peer)")
    case .connectFailed(let peer, let cause, let delay):
      return (.yellow, "connect to \(peer) failed: \(Self.reason(cause, delay))")
    case .disconnected(let peer, let cause, let delay):
      return (.yellow, "disconnected from \(peer): \(Self.reason(cause, delay))")
    case .sent(let request): return (nil, "sent \(request.name)")
    case .received(let request, let answer, let roundTrip):
      return (.cyan, Self.words(for: answer, to: request, after: roundTrip))
    case .skipped(let request):
      // Only the first tick: a slow request with a short period would fill the screen.
      guard request.skippedTicks == 1 else { return nil }
      return (.yellow, "skipped a tick: \(request.name) is unanswered")
    case .lost(let request, let cause):
      return (.red, "lost \(request.name): \(Self.reason(cause, nil))")
    case .violation(_, let violation):
      let bytes = isVerbose ? "; the frame begins \(violation.hexExcerpt(separator: " "))" : ""
      return (.red, "protocol violation: \(violation.description)\(bytes)")
    }
  }

  private static func words(
    for answer: Answer, to request: Request, after roundTrip: Duration
  ) -> String {
    let notes = AnswerNote.notes(about: answer, to: request, after: roundTrip)
    let remark = notes.isEmpty ? "" : " (\(notes.map(\.text).joined(separator: "; ")))"
    let skipped = request.skippedTicks > 1 ? " (\(request.skippedTicks) ticks skipped)" : ""
    let time = " in \(roundTrip.readableMilliseconds) ms"
    let received = "received \(request.name):"
    switch answer {
    case .fast(let serverTime):
      return "\(received) time \(serverTime.escapedForTerminal)\(remark)\(time)\(skipped)"
    case .slow(let count):
      let clients = "\(count) client\(count == 1 ? "" : "s")"
      return "\(received) \(clients)\(time)\(remark)\(skipped)"
    }
  }

  private static func reason(_ cause: LossCause, _ delay: Duration?) -> String {
    cause.reason.escapedForTerminal + (delay.map { "; again in \($0.decimalSeconds) s" } ?? "")
  }

  private mutating func utcTime(_ time: Int64) -> String {
    utc.update(wallClockNanoseconds: time)
    return String(decoding: utc.text, as: UTF8.self)
  }

  private mutating func json(_ event: SessionEvent, _ time: Int64) -> String {
    var line = JSONLine()
    line.add("ts", utcTime(time))
    switch event {
    case .connecting(let peer): line.add(event: "connecting", peer)
    case .connected(let peer): line.add(event: "connected", peer)
    case .connectFailed(let peer, let cause, let delay):
      line.add(event: "connect_failed", peer, reason: cause.reason)
      line.add("retry_in_s", delay)
    case .disconnected(let peer, let cause, let delay):
      line.add(event: "disconnected", peer, reason: cause.reason)
      line.add("retry_in_s", delay)
    case .sent(let request): line.add(event: "sent", request)
    case .received(let request, let answer, let roundTrip):
      line.add(event: "received", request)
      line.add("rtt_us", roundTrip.microseconds)
      switch answer {
      case .fast(let time): line.add("server_time", time)
      case .slow(let count): line.add("connected_clients", count)
      }
      let notes = AnswerNote.notes(about: answer, to: request, after: roundTrip)
      line.add("notes", notes.map(\.text))
    case .skipped(let request): line.add(event: "skipped", request)
    case .lost(let request, let cause):
      line.add(event: "lost", request)
      line.add("reason", cause.reason)
    case .violation(let peer, let violation):
      line.add(event: "error", peer, reason: "protocol violation: \(violation.description)")
      line.add("violation", violation.name)
      line.add("frame_hex", violation.hexExcerpt())
    }
    return line.text
  }
}

extension JSONLine {
  fileprivate mutating func add(event: String, _ peer: Target, reason: String? = nil) {
    add("event", event)
    add("peer", peer.description)
    if let reason { add("reason", reason) }
  }

  fileprivate mutating func add(event: String, _ request: Request) {
    add("event", event)
    add("id", request.id)
    switch request.kind {
    case .fast: add("type", "fast")
    case .slow(let seconds):
      add("type", "slow")
      add("sleep_s", seconds)
    }
  }
}
