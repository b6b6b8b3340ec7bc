import Testing

@testable import TestTaskServerCore

@Suite struct ActionQueueTests {
  private func place(_ action: ServerAction) -> Int? {
    if case .pause(let place) = action { place } else { nil }
  }

  @Test func `actions go in the order in which they came, though others come in between`() {
    var queue = ActionQueue()
    var taken: [Int?] = []
    #expect(queue.isEmpty)
    for place in 0..<5 { queue.append(.pause(place)) }
    for _ in 0..<2 { taken.append(place(queue.removeFirst())) }
    for place in 5..<8 { queue.append(.pause(place)) }
    while !queue.isEmpty { taken.append(place(queue.removeFirst())) }
    #expect(taken == Array(0..<8))
    queue.append(.pause(8))
    #expect(!queue.isEmpty)
    #expect(place(queue.removeFirst()) == 8)
    #expect(queue.isEmpty)
  }

  @Test func `the memory of a burst is given back`() {
    var queue = ActionQueue()
    for place in 0..<10_000 { queue.append(.pause(place)) }
    while !queue.isEmpty { _ = queue.removeFirst() }
    for _ in 0..<2 {
      queue.append(.stop)
      _ = queue.removeFirst()
    }
    #expect(queue.capacity <= 2_048)
  }
}
