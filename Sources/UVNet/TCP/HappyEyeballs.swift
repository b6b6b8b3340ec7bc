/// Which address of several is tried when, and which connection is kept: RFC 8305, "Happy Eyeballs".
///
/// It decides without I/O: events come in as calls, and the actions to perform come out as a list.
/// An attempt is known by its address's place in ``addresses``.
///
/// Two parts of the RFC have no place here. Section 3, the resolution delay, is for resolvers that
/// answer for each family apart, and the system's answers for both at once. Section 9.1, memory of
/// what worked, is for programs that connect to one name often.
struct HappyEyeballs: Hashable {
  enum Action: Hashable {
    /// Begin to connect to the address at this place.
    case connect(Int)
    /// Start the delay between two attempts, and call `delayIsOver` when it has passed.
    case startDelay
    /// Stop the delay that was started.
    case stopDelay
    /// Close an attempt that is under way, and report nothing more of it.
    case abandon(Int)
    /// Hand this connection over; no action follows.
    case succeed(Int)
    /// Report that there is no connection, and why; no action follows.
    case fail
  }

  /// Why one address gave no connection.
  struct Failure: Hashable {
    let place: Int
    let error: UVError
  }

  /// All addresses, in the order in which they are tried.
  let addresses: [SocketAddress]
  /// What has failed so far, in the order in which it did.
  private(set) var failures: [Failure] = []
  /// The attempts that are under way, in the order in which they began.
  private(set) var pending: [Int] = []
  /// Whether it has ended: no more actions follow.
  private(set) var isOver = false
  private var next = 0
  private var isDelaying = false

  /// - Parameter addresses: Where the server may be, as the system sorts them (RFC 6724).
  init(_ addresses: [SocketAddress]) { self.addresses = Self.interleaved(addresses) }

  /// The addresses in turn from both families, each once (RFC 8305 section 4).
  ///
  /// It begins with the family that the system has put first: IPv6, unless the rules of RFC 6724
  /// prefer IPv4, as on a machine without an IPv6 route.
  static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
    var known: Set<SocketAddress> = []
    let unique = addresses.filter { known.insert($0).inserted }
    guard let first = unique.first else { return [] }
    let preferred = unique.filter { $0.isIPv6 == first.isIPv6 }
    let others = unique.filter { $0.isIPv6 != first.isIPv6 }
    var result: [SocketAddress] = []
    for place in 0..<max(preferred.count, others.count) {
      if place < preferred.count { result.append(preferred[place]) }
      if place < others.count { result.append(others[place]) }
    }
    return result
  }

  /// Begins with the first address.
  mutating func begin() -> [Action] {
    guard !addresses.isEmpty else {
      isOver = true
      return [.fail]
    }
    return tryNext()
  }

  /// The delay that was started has passed, and no attempt has come to an end since.
  mutating func delayIsOver() -> [Action] {
    guard !isOver, isDelaying else { return [] }
    isDelaying = false
    return tryNext()
  }

  /// An attempt gave a connection.
  mutating func connected(_ place: Int) -> [Action] {
    guard !isOver, pending.contains(place) else { return [] }
    pending.removeAll { $0 == place }
    return end() + [.succeed(place)]
  }

  /// An attempt failed: the next one begins at once (RFC 8305 section 5).
  mutating func failed(_ place: Int, _ error: UVError) -> [Action] {
    guard !isOver, pending.contains(place) else { return [] }
    pending.removeAll { $0 == place }
    failures.append(Failure(place: place, error: error))
    if next < addresses.count { return tryNext() }
    return pending.isEmpty ? end() + [.fail] : []
  }

  /// Ends it, because the program cancels or the time is over; the caller reports the reason.
  mutating func giveUp() -> [Action] { isOver ? [] : end() }

  private mutating func tryNext() -> [Action] {
    var actions: [Action] = [.connect(next)]
    pending.append(next)
    next += 1
    if next < addresses.count {
      isDelaying = true
      actions.append(.startDelay)
    } else if isDelaying {
      isDelaying = false
      actions.append(.stopDelay)
    }
    return actions
  }

  private mutating func end() -> [Action] {
    var actions = pending.map(Action.abandon)
    if isDelaying { actions.append(.stopDelay) }
    isOver = true
    isDelaying = false
    pending = []
    return actions
  }
}

extension HappyEyeballs {
  /// Why there is no connection when nothing is left to try, with what happened to each address.
  ///
  /// The code is that of the address that failed last. It says more than the first one, which may be
  /// of a family that this machine cannot reach.
  var error: UVError {
    guard let last = failures.last?.error else {
      return UVError(.destinationRequired, during: .connect, detail: "no address to connect to")
    }
    return UVError(last.code, during: .connect, domain: last.domain, detail: story)
  }

  /// What has happened to each address that was tried, on one line; `nil` before the first.
  var story: String? {
    var parts = failures.map { "\(addresses[$0.place]): \($0.error.reason)" }
    parts += pending.map { "\(addresses[$0]): no answer" }
    guard !parts.isEmpty else { return nil }
    // A name may have any number of addresses, and this text is one line of a log.
    let rest = parts.count - Self.mostTold
    if rest > 0 { parts = parts.prefix(Self.mostTold) + ["and \(rest) more"] }
    return parts.joined(separator: "; ")
  }

  /// The most addresses that an error's text lists.
  static let mostTold = 8
}

extension UVError {
  /// What went wrong, without the operation.
  fileprivate var reason: String { "\(message) (\(name))" + (detail.map { ", \($0)" } ?? "") }
}
