import Testing

@testable import TestTaskServerCore

@Suite struct DrainTests {
  @Test func `a drain as long as can be does not begin in the past`() {
    var drain = Drain()
    #expect(drain.signalled(15, at: .max - 1, patience: 1_000_000_000) == .begin)
    #expect(drain.deadline == .max)
  }

  @Test func `a second signal counts from half a second after the first on`() {
    var drain = Drain()
    #expect(drain.signalled(15, at: 1_000, patience: 0) == .begin)
    #expect(drain.signalled(15, at: 999, patience: 0) == .wait)
    #expect(drain.signalled(2, at: 1_000 + Drain.repeatInterval - 1, patience: 0) == .wait)
    #expect(drain.signalled(15, at: 1_000 + Drain.repeatInterval, patience: 0) == .exitNow)
  }

  @Test func `it is over once, when nobody is left`() {
    var drain = Drain()
    var over = [drain.ends(clients: 0, lingering: 0)]
    let order = drain.signalled(15, at: 0, patience: 0)
    #expect(order == .begin)
    for (clients, lingering) in [(1, 0), (0, 1), (0, 0), (0, 0)] {
      over.append(drain.ends(clients: clients, lingering: lingering))
    }
    #expect(over == [false, false, false, true, false])
    let isAbandoned = drain.isAbandoned()
    #expect(!isAbandoned)
  }
}
