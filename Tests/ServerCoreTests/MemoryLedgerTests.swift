import Testing

@testable import TestTaskServerCore

@Suite struct MemoryLedgerTests {
  @Test func `the sum is what those who are there hold`() {
    var ledger = MemoryLedger()
    ledger.enter(0)
    ledger.enter(3)
    ledger.update(0, holds: 100)
    ledger.update(3, holds: 20)
    ledger.update(0, holds: 40)
    #expect(ledger.total == 60)
    #expect(ledger.bytes(of: 0) == 40)
    ledger.leave(0)
    #expect(ledger.total == 20)
    #expect(ledger.isConsistent)
  }

  @Test func `what is said of a client that has left counts for nothing`() {
    var ledger = MemoryLedger()
    ledger.enter(0)
    ledger.update(0, holds: 100)
    ledger.leave(0)
    ledger.leave(0)
    ledger.update(0, holds: 516)
    ledger.update(7, holds: 516)
    #expect(ledger.total == 0)
    #expect(ledger.bytes(of: 0) == 0)
    // Whoever comes to the place begins with nothing.
    ledger.enter(0)
    #expect(ledger.total == 0)
    ledger.update(0, holds: 5)
    ledger.enter(0)
    #expect(ledger.total == 0)
    #expect(ledger.isConsistent)
  }

  @Test func `the sum is right after any order of events`() {
    var ledger = MemoryLedger()
    for _ in 0..<20_000 {
      let place = Int.random(in: 0..<8)
      switch Int.random(in: 0..<6) {
      case 0: ledger.enter(place)
      case 1: ledger.leave(place)
      default: ledger.update(place, holds: .random(in: 0..<1_000))
      }
      guard ledger.isConsistent else {
        Issue.record("the sum is wrong")
        return
      }
    }
    for place in 0..<8 { ledger.leave(place) }
    #expect(ledger.total == 0)
  }
}
