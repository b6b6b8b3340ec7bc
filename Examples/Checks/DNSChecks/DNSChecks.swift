import DNS

/// Checks what ``Forwarder`` and its parts decide, by plain calls; ends with "content".
@main
struct DNSChecks {
  static func main() {
    messages()
    cache()
    forwarder()
    overTCP()
    frames()
    damage()
    print("content")
  }

  static func check(_ condition: Bool, _ what: String, line: UInt = #line) {
    precondition(condition, "line \(line): \(what)")
  }

  // MARK: Messages to check with

  /// A query as `dig` sends it, with or without EDNS.
  static func query(_ name: String, id: UInt16 = 7, type: UInt16 = 1, payload: UInt16? = nil)
    -> [UInt8]
  {
    var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    for label in name.split(separator: ".") { bytes += [UInt8(label.utf8.count)] + label.utf8 }
    bytes += [0, 0, UInt8(type), 0, 1]
    guard let payload else { return bytes }
    bytes[11] = 1
    return bytes + [0, 0, 41, UInt8(payload >> 8), UInt8(payload & 255), 0, 0, 0, 0, 0, 0]
  }

  /// The answer to a query: an address that holds so many seconds, or a "no" of the zone's SOA.
  static func answer(
    to query: [UInt8], seconds: UInt8 = 60, code: UInt8 = 0, minimum: UInt8? = nil,
    isTruncated: Bool = false, padding: Int = 0
  ) -> [UInt8] {
    let hasOptions = query[11] == 1
    var bytes = hasOptions ? Array(query.dropLast(11)) : query
    bytes[2] = 0x85 | (isTruncated ? 2 : 0)
    bytes[3] = 0x80 | code
    if let minimum {
      bytes[9] = 1
      bytes +=
        [0xc0, 12, 0, 6, 0, 1, 0, 0, 0, seconds, 0, 22, 0xc0, 12, 0]
        + Array(repeating: 0, count: 15)
      bytes += [0, 0, 0, minimum]
    } else if !isTruncated {
      bytes[7] = 1
      bytes += [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, seconds, 0, 4, 192, 0, 2, 1]
    }
    if padding > 0 {
      bytes[7] += 1
      bytes += [0xc0, 12, 0, 16, 0, 1, 0, 0, 0, seconds, UInt8(padding >> 8), UInt8(padding & 255)]
      bytes += Array(repeating: 65, count: padding)
    }
    return bytes + (hasOptions ? Message.emptyOptions : [])
  }

  static func message(_ bytes: [UInt8], line: UInt = #line) -> Message {
    guard let message = try? Message(bytes) else { preconditionFailure("line \(line): no message") }
    return message
  }

  static func problem(_ bytes: [UInt8]) -> Message.Problem? {
    do throws(Message.Problem) {
      _ = try Message(bytes)
      return nil
    } catch {
      return error
    }
  }

  // MARK: Checks

  static func messages() {
    let plain = message(query("Example.COM", id: 0x1234))
    check(plain.id == 0x1234 && !plain.isResponse && !plain.hasOptions, "a query")
    check(plain.question == Question("example.com", type: 1), "names differ in capitals only")
    check(plain.payloadLimit == 512, "without EDNS")
    let options = message(query("a", payload: 1232))
    check(options.hasOptions && options.payloadLimit == 1232, "with EDNS")
    check(message(query("a", payload: 100)).payloadLimit == 512, "no limit is below 512")
    let reply = message(answer(to: query("a", payload: 1232), seconds: 9))
    check(reply.isResponse && reply.records.count == 2, "an answer and its EDNS record")
    check(reply.records[0].timeToLive == 9 && reply.records[0].data.count == 4, "a record")
    check(message(plain.reply(code: 2)).responseCode == 2, "a failure")
    check(message(options.reply(code: 0, isTruncated: true)).isTruncated, "a truncated reply")

    check(problem([]) == .noHeader, "no header")
    var two = query("a")
    two[5] = 2
    check(problem(two) == .notOneQuestion, "two questions")
    check(problem(query("a").dropLast()) == .malformed, "half a question")
    var pointer = query("a")
    pointer[12] = 0xc0
    check(problem(pointer) == .malformed, "a question that points to itself")
    check(problem(answer(to: query("a")).dropLast()) == .malformed, "half a record")
    check(Question("a..b", type: 1) == nil && Question("a.b.", type: 1) != nil, "empty labels")
    check(Question(String(repeating: "a", count: 64), type: 1) == nil, "a long label")
    check(
      Question(Array(repeating: "abc", count: 64).joined(separator: "."), type: 1) == nil,
      "a long name")
  }

  static func cache() {
    var cache = Cache(capacity: 2)
    let asked = message(query("a.test"))
    cache.store(message(answer(to: query("a.test"), seconds: 10)), to: asked, at: .seconds(100))
    let again = message(query("A.TEST", id: 99))
    guard let found = cache.answer(to: again, at: .seconds(104)).map({ message($0) }) else {
      preconditionFailure("it is kept")
    }
    check(
      found.id == 99 && found.records[0].timeToLive == 6,
      "with the asker's number, four seconds old")
    check(
      found.bytes[found.questionRange] == again.bytes[again.questionRange], "in the asker's letters"
    )
    check(found.bytes[2] & 0x04 == 0, "not authoritative")
    check(cache.answer(to: again, at: .milliseconds(109_999)) != nil, "up to its last moment")
    check(cache.answer(to: again, at: .seconds(110)) == nil, "and no longer")
    check(
      cache.answer(to: message(query("a.test", type: 28)), at: .seconds(101)) == nil, "another type"
    )
    check(
      cache.answer(to: message(query("a.test", payload: 1232)), at: .seconds(101)) == nil, "EDNS")

    for (what, reply, seconds) in [
      ("a time of 0", answer(to: query("b"), seconds: 0), nil),
      ("a failure", answer(to: query("b"), code: 2), nil),
      ("a truncated answer", answer(to: query("b"), isTruncated: true), nil),
      ("a no without SOA", answer(to: query("b"), code: 3), nil),
      ("a no", answer(to: query("b"), seconds: 60, code: 3, minimum: 5), 5),
      ("a no of a short record", answer(to: query("b"), seconds: 3, code: 3, minimum: 5), 3),
      ("no such type", answer(to: query("b"), seconds: 60, minimum: 8), 8),
    ] as [(String, [UInt8], Int?)] {
      var cache = Cache(capacity: 1)
      cache.store(message(reply), to: message(query("b")), at: .zero)
      let known = { cache.answer(to: message(query("b")), at: $0) != nil }
      check(known(.seconds((seconds ?? 0)) - .milliseconds(1)) == (seconds != nil), what)
      check(!known(.seconds(seconds ?? 0)), "\(what), too long")
    }

    for number in 0..<1000 {
      let name = "n\(number % 7)"
      cache.store(message(answer(to: query(name))), to: message(query(name)), at: .seconds(200))
    }
    check(cache.count == 2, "the oldest make room")
    check(
      cache.answer(to: message(query("n\(999 % 7)")), at: .seconds(201)) != nil, "the newest stays")
  }

  typealias Core = Forwarder<String>

  static func asked(_ actions: [Core.Action], line: UInt = #line) -> [UInt8] {
    guard actions.count == 1, case .ask(let bytes, _, _) = actions[0] else {
      preconditionFailure("line \(line): not asked: \(actions)")
    }
    return bytes
  }

  static func replies(_ actions: [Core.Action]) -> [String: Message] {
    var replies: [String: Message] = [:]
    for case .reply(let bytes, let client) in actions { replies[client] = message(bytes) }
    return replies
  }

  static func forwarder() {
    var next: UInt16 = 1000
    var core = Core(capacity: 10) {
      next += 1
      return next
    }
    let sent = asked(core.asked(query("a", id: 1), by: "one", over: .udp, at: .zero))
    check(message(sent).id == 1001, "with a number of its own")
    check(core.asked(query("a", id: 1), by: "one", over: .udp, at: .zero) == [], "asked again")
    check(
      core.asked(query("A", id: 2), by: "two", over: .udp, at: .zero) == [], "the same question")
    check(core.deadline == .milliseconds(200) && core.pendingCount == 1, "one is under way")

    var forged = answer(to: sent)
    forged[1] ^= 1
    check(core.received(forged, over: .udp, at: .zero) == [], "a wrong number")
    forged = answer(to: query("b", id: 1001))
    check(core.received(forged, over: .udp, at: .zero) == [], "another question")
    check(core.received(sent, over: .udp, at: .zero) == [], "no answer")
    check(core.received(answer(to: sent), over: .tcp, at: .zero) == [], "over the other transport")
    let told = replies(core.received(answer(to: sent), over: .udp, at: .zero))
    check(told.count == 2 && told["one"]?.id == 1 && told["two"]?.id == 2, "both are answered")
    check(core.received(answer(to: sent), over: .udp, at: .zero) == [], "the answer, a second time")
    check(core.deadline == nil, "nothing is under way")
    let cached = replies(core.asked(query("a", id: 3), by: "three", over: .tcp, at: .seconds(1)))
    check(cached["three"]?.records[0].timeToLive == 59, "out of the cache")

    var times: [Duration] = []
    _ = core.asked(query("lost"), by: "one", over: .udp, at: .zero)
    var last: [Core.Action] = []
    while let deadline = core.deadline {
      check(core.advance(to: deadline - .milliseconds(1)) == [], "not before its time")
      last = core.advance(to: deadline)
      times.append(deadline)
    }
    check(times == [200, 600, 1400, 3000, 6200].map(Duration.milliseconds), "\(times)")
    check(replies(last)["one"]?.responseCode == 2, "given up")

    let wide = answer(to: query("wide", id: 1003, payload: 1232), padding: 1300)
    _ = core.asked(query("wide", payload: 1232), by: "udp", over: .udp, at: .zero)
    let cut = replies(core.received(wide, over: .udp, at: .zero))["udp"]
    check(cut?.isTruncated == true && (cut?.bytes.count ?? 0) < 100, "too long for a datagram")
    let whole = replies(core.asked(query("wide", payload: 1232), by: "tcp", over: .tcp, at: .zero))
    check(whole["tcp"]?.bytes.count ?? 0 > 1300, "and not for a stream")

    check(
      core.asked(answer(to: query("a")), by: "x", over: .udp, at: .zero) == [], "an answer as query"
    )
    check(core.asked([1, 2, 3], by: "x", over: .udp, at: .zero) == [], "no header")
    guard
      case .reply(let refusal, _) = core.asked(
        Array(query("a").dropLast()), by: "x", over: .udp, at: .zero)[0]
    else { preconditionFailure("a malformed query") }
    check(refusal.count == 12 && refusal[3] & 0xf == 1 && refusal[2] & 0x80 != 0, "a format error")
    var update = query("a")
    update[2] = 5 << 3
    check(
      replies(core.asked(update, by: "x", over: .udp, at: .zero))["x"]?.responseCode == 4,
      "an update")

    for number in 0..<Core.mostPending + 5 {
      _ = core.asked(query("n\(number)"), by: "x", over: .udp, at: .zero)
    }
    check(core.pendingCount == Core.mostPending, "bounded")
    for number in 0..<Core.mostWaiting + 5 {
      _ = core.asked(query("n0"), by: "\(number)", over: .udp, at: .zero)
    }
    let one = replies(core.asked(query("n0"), by: "more", over: .udp, at: .zero))
    check(one["more"]?.responseCode == 2, "too many wait")
  }

  static func overTCP() {
    var core = Core(capacity: 10) { 5 }
    let sent = asked(core.asked(query("a", id: 1), by: "one", over: .tcp, at: .zero))
    _ = asked(core.asked(query("a", id: 2), by: "two", over: .udp, at: .zero))
    check(core.pendingCount == 2, "of each transport one")
    check(
      core.received(answer(to: sent), over: .tcp, exchange: 9, at: .zero) == [], "another exchange")
    core.left("one")
    let actions = core.received(answer(to: sent), over: .tcp, exchange: 5, at: .zero)
    check(actions == [.endExchange(5)], "the client has left")
    _ = core.asked(query("b", id: 1), by: "one", over: .tcp, at: .zero)
    check(replies(core.exchangeFailed(5))["one"]?.responseCode == 2, "no connection")
    _ = core.asked(query("c", id: 1), by: "one", over: .tcp, at: .zero)
    check(core.exchangeFailed(6) == [], "an exchange over UDP does not fail so")
    let late = core.advance(to: .seconds(6))
    check(late.contains(.endExchange(5)) && replies(late)["one"]?.responseCode == 2, "too late")
  }

  static func frames() {
    let stream = [[1, 2, 3], [], Array(repeating: 9, count: 300)].compactMap { Frames.frame($0) }
    check(Frames.frame(Array(repeating: 0, count: 65536)) == nil, "too long for a frame")
    let bytes = stream.flatMap { $0 }
    for step in 1...bytes.count {
      var frames = Frames()
      var messages: [[UInt8]] = []
      for start in stride(from: 0, to: bytes.count, by: step) {
        messages += frames.append(bytes[start..<min(start + step, bytes.count)])
      }
      check(messages.map(\.count) == [3, 0, 300], "in pieces of \(step)")
    }
  }

  /// Bytes that are wrong anywhere never trap, and what is taken for a message can be used as one.
  static func damage() {
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let samples = [
      query("www.example.com", payload: 1232), answer(to: query("a.b", payload: 512)),
      answer(to: query("a.b"), code: 3, minimum: 9), answer(to: query("x"), padding: 40),
    ]
    var core = Core(capacity: 4)
    var understood = 0
    for round in 0..<20_000 {
      var bytes = samples[random(samples.count)]
      for _ in 0...random(3) {
        switch random(3) {
        case 0: bytes[random(bytes.count)] = UInt8(random(256))
        case 1: bytes.removeLast(random(bytes.count))
        default: bytes.insert(UInt8(random(256)), at: random(bytes.count))
        }
        if bytes.isEmpty { break }
      }
      let now = Duration.milliseconds(round)
      if let message = try? Message(bytes) {
        understood += 1
        _ = message.addressed(to: message, age: UInt32(random(100)))
      }
      for case .ask(let query, _, let number) in core.asked(
        bytes, by: "\(random(9))", over: .udp, at: now)
      {
        guard let asked = try? Message(query) else { preconditionFailure("it asks no message") }
        check(asked.id == number, "the number")
        if random(2) == 0 {
          _ = core.received(answer(to: asked.reply(code: 0)), over: .udp, at: now)
        }
      }
      _ = core.received(bytes, over: .udp, at: now)
      _ = core.advance(to: now)
    }
    check(understood > 500, "nothing of it was understood")
  }
}
