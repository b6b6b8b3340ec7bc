/// What a DNS forwarder decides: whom to answer from the cache, whom to ask, how often, and which
/// answers to believe.
///
/// It does no I/O. Messages and time come in as calls, what is to be sent comes out as a list.
package struct Forwarder<Client: Hashable & Sendable> {
  package enum Transport: Hashable, Sendable { case udp, tcp }

  package enum Action: Equatable {
    case reply([UInt8], to: Client)
    /// Send to the server. Over TCP this is one of the `exchange`s that ``received(_:over:exchange:at:)``
    /// and ``exchangeFailed(_:)`` tell of.
    case ask([UInt8], over: Transport, exchange: UInt16)
    /// Nothing more is wanted of an exchange over TCP.
    case endExchange(UInt16)
  }

  private struct Waiting {
    let client: Client
    let query: Message
    let transport: Transport
  }

  private struct Pending {
    let key: PendingKey
    let query: Message
    var waiting: [Waiting]
    var tries = 1
    var due: Duration
  }

  private struct PendingKey: Hashable {
    let key: Cache.Key
    let transport: Transport
  }

  /// Questions that may be under way at once, and clients that wait for one of them.
  package static var mostPending: Int { 1000 }
  package static var mostWaiting: Int { 100 }
  /// The times that a question is sent over UDP, each wait twice as long as the one before.
  package static var mostTries: Int { 5 }
  package static var firstWait: Duration { .milliseconds(200) }
  /// How long an answer over TCP may take.
  package static var patience: Duration { .seconds(6) }

  private var cache: Cache
  private var pending: [UInt16: Pending] = [:]
  private var numbers: [PendingKey: UInt16] = [:]
  private let random: () -> UInt16

  /// Makes a forwarder.
  ///
  /// - Parameters:
  ///   - capacity: The answers that are kept.
  ///   - random: Numbers for questions. An attacker who guesses them can forge answers (RFC 5452).
  package init(capacity: Int, random: @escaping () -> UInt16 = { .random(in: 0 ... .max) }) {
    cache = Cache(capacity: capacity)
    self.random = random
  }

  /// When ``advance(to:)`` is to be called next.
  package var deadline: Duration? { pending.values.map(\.due).min() }

  /// How many questions are under way.
  package var pendingCount: Int { pending.count }

  // MARK: Clients

  /// A client asks.
  package mutating func asked(
    _ bytes: [UInt8], by client: Client, over transport: Transport, at now: Duration
  ) -> [Action] {
    let query: Message
    do throws(Message.Problem) {
      query = try Message(bytes)
    } catch {
      return Self.refusal(of: bytes).map { [.reply($0, to: client)] } ?? []
    }
    // An answer to an answer could go round for ever.
    guard !query.isResponse else { return [] }
    guard query.operation == 0 else { return [.reply(query.reply(code: 4), to: client)] }
    let waiting = Waiting(client: client, query: query, transport: transport)
    if let answer = cache.answer(to: query, at: now) {
      return [.reply(Self.fitted(answer, for: waiting), to: client)]
    }
    let key = PendingKey(key: Cache.Key(query), transport: transport)
    if let number = numbers[key], pending[number] != nil {
      return join(waiting, number)
    }
    return begin(waiting, key, at: now)
  }

  /// A client that asked over TCP is gone.
  package mutating func left(_ client: Client) {
    for number in pending.keys { pending[number]?.waiting.removeAll { $0.client == client } }
  }

  private mutating func join(_ waiting: Waiting, _ number: UInt16) -> [Action] {
    let others = pending[number]?.waiting ?? []
    // The client asks again what it has asked: it will get one answer.
    if others.contains(where: { $0.client == waiting.client && $0.query.id == waiting.query.id }) {
      return []
    }
    guard others.count < Self.mostWaiting else { return [Self.failure(waiting)] }
    pending[number]?.waiting.append(waiting)
    return []
  }

  private mutating func begin(_ waiting: Waiting, _ key: PendingKey, at now: Duration) -> [Action] {
    guard pending.count < Self.mostPending else { return [Self.failure(waiting)] }
    var number = random()
    while pending[number] != nil { number &+= 1 }
    var query = waiting.query
    query.id = number
    let wait = key.transport == .udp ? Self.firstWait : Self.patience
    pending[number] = Pending(key: key, query: query, waiting: [waiting], due: now + wait)
    numbers[key] = number
    return [.ask(query.bytes, over: key.transport, exchange: number)]
  }

  // MARK: The server

  /// Something came from the server.
  ///
  /// It is believed if it is the answer to a question that is under way: its number, name, type and
  /// class are those of the question (RFC 5452 section 9.1).
  package mutating func received(
    _ bytes: [UInt8], over transport: Transport, exchange: UInt16? = nil, at now: Duration
  ) -> [Action] {
    guard let answer = try? Message(bytes), answer.isResponse,
      exchange == nil || exchange == answer.id, let asked = pending[answer.id],
      asked.key.transport == transport, asked.query.question == answer.question
    else { return [] }
    forget(answer.id)
    cache.store(answer, to: asked.query, at: now)
    return (transport == .tcp ? [.endExchange(answer.id)] : [])
      + asked.waiting.map { waiting in
        .reply(Self.fitted(answer.addressed(to: waiting.query), for: waiting), to: waiting.client)
      }
  }

  /// An exchange over TCP came to nothing.
  package mutating func exchangeFailed(_ number: UInt16) -> [Action] {
    guard let asked = pending[number], asked.key.transport == .tcp else { return [] }
    forget(number)
    return asked.waiting.map(Self.failure)
  }

  /// Asks again, and gives up, what has waited long enough.
  package mutating func advance(to now: Duration) -> [Action] {
    var actions: [Action] = []
    for number in pending.keys.sorted() {
      guard var asked = pending[number], asked.due <= now else { continue }
      if asked.key.transport == .udp, asked.tries < Self.mostTries {
        asked.due = now + Self.firstWait * (1 << asked.tries)
        asked.tries += 1
        pending[number] = asked
        actions.append(.ask(asked.query.bytes, over: .udp, exchange: number))
      } else {
        forget(number)
        if asked.key.transport == .tcp { actions.append(.endExchange(number)) }
        actions += asked.waiting.map(Self.failure)
      }
    }
    return actions
  }

  private mutating func forget(_ number: UInt16) {
    if let asked = pending.removeValue(forKey: number) { numbers[asked.key] = nil }
  }

  // MARK: Replies

  /// "Server failure".
  private static func failure(_ waiting: Waiting) -> Action {
    .reply(waiting.query.reply(code: 2), to: waiting.client)
  }

  /// What a client is told of a query that is no message: "format error", if it has a header at all.
  private static func refusal(of bytes: [UInt8]) -> [UInt8]? {
    guard bytes.count >= Message.headerSize, bytes[2] & 0x80 == 0 else { return nil }
    return [bytes[0], bytes[1], bytes[2] & 0x79 | 0x80, 0x81] + [UInt8](repeating: 0, count: 8)
  }

  /// An answer as the client can take it: over UDP a longer one makes it ask again over TCP.
  private static func fitted(_ answer: [UInt8], for waiting: Waiting) -> [UInt8] {
    guard waiting.transport == .udp, answer.count > waiting.query.payloadLimit else {
      return answer
    }
    return waiting.query.reply(code: 0, isTruncated: true)
  }
}
