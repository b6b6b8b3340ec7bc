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

  @Test func `a server whose place others take goes on for a moment first`() {
    var drain = Drain()
    let order = drain.signalled(15, at: 1_000, patience: 1_000_000_000, handsOver: true)
    #expect(order == .handOver(until: 1_000 + Drain.handOverTime))
    #expect(!drain.hasBegun)
    #expect(drain.departure(whenAllAnswered: false) == nil)
    #expect(drain.signalled(15, at: 1_001, patience: 0, handsOver: true) == .wait)
    var ends = [drain.endsHandOver()]
    #expect(drain.hasBegun && drain.deadline == 1_000_001_000)
    ends.append(drain.endsHandOver())
    #expect(ends == [true, false])
    #expect(
      drain.signalled(15, at: 1_000 + Drain.repeatInterval, patience: 0, handsOver: true)
        == .exitNow)
  }

  @Test func `the hand-over is part of the drain's time`() {
    for (patience, order): (UInt64, Drain.Order) in [(0, .begin), (5, .handOver(until: 12))] {
      var drain = Drain()
      #expect(drain.signalled(15, at: 7, patience: patience, handsOver: true) == order)
    }
  }
}
