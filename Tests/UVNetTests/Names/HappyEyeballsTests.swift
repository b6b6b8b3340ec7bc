import Testing
import UVNetTestKit

@testable import UVNet

@Suite struct HappyEyeballsTests {
  static let first = address("2001:db8::1")
  static let second = address("192.0.2.1")
  static let third = address("2001:db8::2")
  static let refused = UVError(.connectionRefused, during: .connect)
  static let unreachable = UVError(.networkUnreachable, during: .connect)

  static func address(_ host: String) -> SocketAddress {
    // A wrong literal shows in every test.
    (try? SocketAddress(host: host, port: 80)) ?? SocketAddress(.any, port: 0)
  }

  @Test func `the families take turns, beginning with the system's first, each address once`() {
    let v6 = (1...3).map { Self.address("2001:db8::\($0)") }
    let v4 = (1...2).map { Self.address("192.0.2.\($0)") }
    #expect(HappyEyeballs(v6 + v4).addresses == [v6[0], v4[0], v6[1], v4[1], v6[2]])
    #expect(HappyEyeballs(v4 + v6).addresses == [v4[0], v6[0], v4[1], v6[1], v6[2]])
    #expect(HappyEyeballs(v4 + v4 + v4).addresses == v4)
    #expect(HappyEyeballs([]).addresses == [])
  }

  @Test func `the next attempt begins when the delay is over, and the first that stands is kept`() {
    var core = HappyEyeballs([Self.first, Self.second, Self.third])
    #expect(core.begin() == [.connect(0), .startDelay])
    #expect(core.delayIsOver() == [.connect(1), .startDelay])
    #expect(core.connected(1) == [.abandon(0), .stopDelay, .succeed(1)])
    #expect(core.failed(0, Self.refused) == [], "an attempt that was abandoned")
    #expect(core.delayIsOver() == [])
    #expect(core.giveUp() == [])
    #expect(core.isOver)
  }

  @Test func `the next attempt begins at once when one fails, and the delay begins anew`() {
    var core = HappyEyeballs([Self.first, Self.second, Self.third])
    _ = core.begin()
    #expect(core.failed(0, Self.unreachable) == [.connect(1), .startDelay])
    #expect(core.failed(1, Self.refused) == [.connect(2), .stopDelay])
    #expect(core.failed(2, Self.refused) == [.fail])
  }

  @Test func `attempts that are under way are waited for when no address is left`() {
    var core = HappyEyeballs([Self.first, Self.second])
    _ = core.begin()
    #expect(core.delayIsOver() == [.connect(1)])
    #expect(core.failed(1, Self.refused) == [])
    #expect(core.connected(0) == [.succeed(0)])
  }

  @Test func `whoever gives up has everything that is under way cancelled`() {
    var core = HappyEyeballs([Self.first, Self.second, Self.third])
    _ = core.begin()
    _ = core.delayIsOver()
    #expect(core.giveUp() == [.abandon(0), .abandon(1), .stopDelay])
    #expect(core.connected(0) == [])
  }

  @Test func `the error tells of every address, up to a number, and has the last one's code`() {
    var core = HappyEyeballs([Self.first, Self.second, Self.third])
    _ = core.begin()
    _ = core.failed(0, Self.unreachable)
    _ = core.failed(1, Self.refused)
    #expect(core.story?.hasSuffix("; [2001:db8::2]:80: no answer") == true)
    _ = core.failed(2, UVError(.connectionRefused, during: .connect, detail: "it met itself"))
    #expect(core.error.code == .connectionRefused)
    #expect(
      core.error.detail == """
        [2001:db8::1]:80: network is unreachable (ENETUNREACH); \
        192.0.2.1:80: connection refused (ECONNREFUSED); \
        [2001:db8::2]:80: connection refused (ECONNREFUSED), it met itself
        """)

    core = HappyEyeballs((1...100).map { Self.address("192.0.2.\($0)") })
    _ = core.begin()
    for place in 0..<100 { _ = core.failed(place, Self.refused) }
    #expect(core.failures.count == 100)
    #expect(core.error.detail?.hasSuffix("; and 92 more") == true)
  }

  @Test func `without an address there is an error, and nothing is tried`() {
    var core = HappyEyeballs([])
    #expect(core.begin() == [.fail])
    #expect(core.error.code == .destinationRequired)
  }

  @Test func `in every order of events one verdict is given, and nothing is left under way`() throws
  {
    let space = try Self.explore()
    print("happy eyeballs: \(space)")
    #expect(space.states > 100 && space.transitions > 500, "\(space)")
  }

  @Test(arguments: [HappyEyeballs.Action.abandon(0), .startDelay, .stopDelay, .connect(2), .fail])
  func `attempts of which one action is not done are found out`(_ lost: HappyEyeballs.Action) {
    #expect(throws: StateSpace.Violation.self) { try Self.explore(losing: lost) }
  }

  private static func explore(losing lost: HappyEyeballs.Action? = nil) throws -> StateSpace {
    let addresses = (1...4).map { address("2001:db8::\($0)") }
    return try StateSpace.explore(
      from: AttemptsWorld(core: HappyEyeballs(addresses), lost: lost), limit: 100_000,
      events: \.possible, key: { $0 }
    ) { world, event in try world.happen(event) }
  }
}

/// Servers and a clock that do whatever they may.
private struct AttemptsWorld: Hashable {
  enum Event { case begin, connected(Int), failed(Int), delayIsOver, giveUp }
  struct Broken: Error { let what: String }

  var core: HappyEyeballs
  let lost: HappyEyeballs.Action?
  private var underway: Set<Int> = []
  private var abandoned: Set<Int> = []
  private var failed: Set<Int> = []
  private var begun = 0
  private var isDelaying = false
  private var hasBegun = false
  private var verdict: HappyEyeballs.Action?
  private var isGivenUp = false

  init(core: HappyEyeballs, lost: HappyEyeballs.Action?) {
    self.core = core
    self.lost = lost
  }

  private var isOver: Bool { verdict != nil || isGivenUp }

  var possible: [Event] {
    guard hasBegun else { return [.begin] }
    // What libuv had on its way may still come of an attempt that was abandoned.
    return underway.sorted().flatMap { [.connected($0), .failed($0)] }
      + abandoned.sorted().map { .failed($0) }
      + (isDelaying ? [.delayIsOver] : []) + [.giveUp]
  }

  mutating func happen(_ event: Event) throws {
    let actions: [HappyEyeballs.Action]
    let wasOver = isOver
    let untried = core.addresses.count - begun
    switch event {
    case .begin:
      hasBegun = true
      actions = core.begin()
    case .connected(let place):
      underway.remove(place)
      actions = core.connected(place)
      try check(actions.contains(.succeed(place)), "a connection that stands is not kept")
    case .failed(let place):
      let isStale = abandoned.remove(place) != nil
      underway.remove(place)
      if !isStale { failed.insert(place) }
      actions = core.failed(place, HappyEyeballsTests.refused)
      try check(!isStale || actions.isEmpty, "an abandoned attempt is heard of")
      try check(
        isStale || untried == 0
          || begun < core.addresses.count && actions.contains(.connect(begun)),
        "the next attempt does not begin at once")
    case .delayIsOver:
      isDelaying = false
      actions = core.delayIsOver()
    case .giveUp:
      actions = core.giveUp()
      if !wasOver { isGivenUp = true }
    }
    try check(!wasOver || actions.isEmpty, "something is done after the verdict")
    for action in actions where action != lost { try carry(out: action) }
    guard isOver else {
      try check(!underway.isEmpty, "nothing is under way, and there is no verdict")
      return try check(isDelaying == (begun < core.addresses.count), "the delay is wrong")
    }
    try check(underway.isEmpty && !isDelaying, "something is left under way after the verdict")
    try check(core.isOver, "it does not know that it is over")
  }

  private mutating func carry(out action: HappyEyeballs.Action) throws {
    switch action {
    case .connect(let place):
      try check(place == begun, "an address is tried twice, or out of turn")
      begun += 1
      underway.insert(place)
    case .startDelay: isDelaying = true
    case .stopDelay:
      try check(isDelaying, "a delay ends that has not begun")
      isDelaying = false
    case .abandon(let place):
      try check(underway.remove(place) != nil, "an attempt is abandoned that is not under way")
      abandoned.insert(place)
    case .succeed, .fail:
      try check(verdict == nil && !isGivenUp, "there are two verdicts")
      if action == .fail {
        try check(failed.count == core.addresses.count, "it fails with addresses left to try")
      }
      verdict = action
    }
  }

  private func check(_ condition: Bool, _ what: String) throws {
    if !condition { throw Broken(what: what) }
  }
}
