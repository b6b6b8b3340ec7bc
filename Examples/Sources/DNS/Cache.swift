/// Answers, each for as long as it says that it holds; the oldest makes room.
///
/// Times are since some moment that the program chooses.
package struct Cache {
  /// Two queries of one key may have the same answer.
  struct Key: Hashable {
    let question: Question
    let hasOptions: Bool
    let wantsSignatures: Bool
    let checkingDisabled: Bool

    init(_ query: Message) {
      question = query.question
      hasOptions = query.hasOptions
      wantsSignatures = query.wantsSignatures
      checkingDisabled = query.checkingDisabled
    }
  }

  private struct Entry {
    let answer: Message
    let since: Duration
    let until: Duration
    /// Tells it from others of its key, before and after.
    let number: UInt64
  }

  private let capacity: Int
  private var entries: [Key: Entry] = [:]
  /// The order in which entries came, those that were replaced included.
  private var order: [(key: Key, number: UInt64)] = []
  private var oldest = 0
  private var nextNumber: UInt64 = 0

  /// Nothing holds longer than a day.
  static let longest: UInt32 = 86400

  /// Makes a cache of so many answers at most.
  package init(capacity: Int) { self.capacity = max(capacity, 0) }

  /// How many answers there are, those that hold no more included.
  package var count: Int { entries.count }

  /// The answer to a query, if one is known that still holds.
  package func answer(to query: Message, at now: Duration) -> [UInt8]? {
    guard let entry = entries[Key(query)], now < entry.until else { return nil }
    let age = UInt32(clamping: (now - entry.since).components.seconds)
    return entry.answer.addressed(to: query, age: age)
  }

  /// Keeps what was answered to a query, if it may be kept.
  package mutating func store(_ answer: Message, to query: Message, at now: Duration) {
    guard capacity > 0, let seconds = Self.holds(answer), seconds > 0 else { return }
    let key = Key(query)
    nextNumber += 1
    let until = now + .seconds(Int64(min(seconds, Self.longest)))
    entries[key] = Entry(answer: answer, since: now, until: until, number: nextNumber)
    order.append((key, nextNumber))
    while entries.count > capacity || order.count - oldest > 2 * capacity { dropOldest() }
    if oldest > capacity {
      order.removeFirst(oldest)
      oldest = 0
    }
  }

  private mutating func dropOldest() {
    let (key, number) = order[oldest]
    oldest += 1
    if entries[key]?.number == number { entries[key] = nil }
  }

  /// How many seconds an answer holds; `nil` if it is not to be kept.
  ///
  /// That a name or a type does not exist holds as long as the zone's SOA record says (RFC 2308).
  static func holds(_ answer: Message) -> UInt32? {
    guard !answer.isTruncated, answer.responseCode == 0 || answer.responseCode == 3 else {
      return nil
    }
    let records = answer.records.filter { $0.type != Message.optionType }
    guard let least = records.map(\.timeToLive).min() else { return nil }
    if answer.responseCode == 0, records.contains(where: { $0.section == .answer }) { return least }
    let authority = records.first {
      $0.section == .authority && $0.type == Message.startOfAuthorityType && $0.data.count >= 20
    }
    guard let authority else { return nil }
    return min(least, answer.number(at: authority.data.upperBound - 4))
  }
}
