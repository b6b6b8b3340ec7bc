import Testing

@testable import TestTaskServerCore

@Suite struct SleepQueueTests {
  @Test func `sleeps end in order of deadline, then of arrival`() {
    var queue = SleepQueue()
    let (one, two) = (queue.enter(), queue.enter())
    queue.add(one, until: 30, clients: 1)
    queue.add(one, until: 10, clients: 2)
    queue.add(two, until: 10, clients: 3)
    queue.add(two, until: 20, clients: 4)
    #expect(queue.nextDeadline() == 10)
    #expect(queue.popDue(at: 9) == nil)
    var order: [UInt32] = []
    while let due = queue.popDue(at: 30) { order.append(due.clients) }
    #expect(order == [2, 3, 4, 1])
    #expect(queue.count == 0)
    #expect(queue.nextDeadline() == nil)
  }

  @Test func `a thousand of one deadline keep their order`() {
    var queue = SleepQueue()
    let owner = queue.enter()
    for number in 0..<1_000 { queue.add(owner, until: 5, clients: UInt32(number)) }
    for number in 0..<1_000 { #expect(queue.popDue(at: 5)?.clients == UInt32(number)) }
  }

  @Test func `a connection takes its sleeps with it and nobody else's`() {
    var queue = SleepQueue()
    let (one, two) = (queue.enter(), queue.enter())
    queue.add(one, until: 1, clients: 1)
    queue.add(two, until: 2, clients: 2)
    queue.add(one, until: 3, clients: 1)
    #expect(queue.sleeping(of: one) == 2)
    #expect(queue.leave(one) == 2)
    #expect(queue.leave(one) == 0)
    #expect(queue.sleeping(of: one) == 0)
    #expect(queue.count == 1)
    #expect(queue.nextDeadline() == 2)
    #expect(queue.popDue(at: 9) == SleepQueue.Due(owner: two, clients: 2, deadline: 2))
    #expect(queue.popDue(at: 9) == nil)
  }

  @Test func `a place that is taken again does not inherit sleeps`() {
    var queue = SleepQueue()
    let first = queue.enter()
    queue.add(first, until: 1, clients: 1)
    queue.leave(first)
    let second = queue.enter()
    #expect(second.index == first.index)
    #expect(second != first)
    queue.add(first, until: 1, clients: 7)
    #expect(queue.count == 0)
    #expect(queue.popDue(at: 9) == nil)
    queue.add(second, until: 2, clients: 8)
    #expect(queue.popDue(at: 9)?.clients == 8)
  }

  @Test func `a place that was taken four billion times does not inherit sleeps`() {
    var queue = SleepQueue(firstGeneration: .max - 1)
    let first = queue.enter()
    queue.add(first, until: 1, clients: 7)
    queue.leave(first)
    let last = queue.enter()
    queue.add(last, until: 1, clients: 8)
    queue.leave(last)
    // The numbers have begun again; what slept before has left nothing, however little it was.
    #expect(queue.storedCount == 0)
    let next = queue.enter()
    #expect(queue.sleeping(of: next) == 0)
    #expect(queue.popDue(at: 9) == nil)
    #expect(queue.count == 0)
  }

  @Test func `sleeping for ever and leaving, again and again, does not grow the heap`() {
    var queue = SleepQueue()
    let stays = queue.enter()
    for _ in 0..<100 { queue.add(stays, until: .max, clients: 1) }
    for _ in 0..<100 {
      let owner = queue.enter()
      for _ in 0..<1_000 { queue.add(owner, until: .max - 1, clients: 2) }
      #expect(queue.leave(owner) == 1_000)
      #expect(queue.storedCount <= 200)
    }
    #expect(queue.count == 100)
  }

  @Test func `what sleeps longer than the drain is dropped`() {
    var queue = SleepQueue()
    let (one, two) = (queue.enter(), queue.enter())
    queue.add(one, until: 10, clients: 1)
    queue.add(one, until: 11, clients: 1)
    queue.add(two, until: 12, clients: 1)
    #expect(queue.drop(after: 10) == 2)
    #expect(queue.count == 1)
    #expect(queue.sleeping(of: one) == 1)
    #expect(queue.sleeping(of: two) == 0)
    #expect(queue.popDue(at: 10)?.owner == one)
  }

  @Test func `what is due together with many comes in order, whatever came and went between`() {
    var queue = SleepQueue()
    let owners = (0..<50).map { _ in queue.enter() }
    var model: [(deadline: UInt64, order: UInt32, owner: Int)] = []
    func add(_ number: UInt32, _ deadlines: Range<UInt64>) {
      let owner = Int.random(in: 0..<50)
      let deadline = UInt64.random(in: deadlines)
      queue.add(owners[owner], until: deadline, clients: number)
      model.append((deadline, number, owner))
    }
    for number in 0..<20_000 { add(UInt32(number), 0..<1_000) }
    var popped: [UInt32] = []
    // Enough of one moment to be gathered; then sooner ones come, and a connection goes.
    for _ in 0..<2_000 { if let due = queue.popDue(at: 700) { popped.append(due.clients) } }
    model.sort { ($0.deadline, $0.order) < ($1.deadline, $1.order) }
    #expect(popped == model.prefix(2_000).map(\.order))
    model.removeFirst(2_000)
    for number in 20_000..<20_100 { add(UInt32(number), 0..<900) }
    #expect(queue.leave(owners[7]) == model.count { $0.owner == 7 })
    model.removeAll { $0.owner == 7 }
    let dropped = model.count { $0.deadline > 800 }
    #expect(queue.drop(after: 800) == dropped)
    model.removeAll { $0.deadline > 800 }
    #expect(queue.count == model.count)
    model.sort { ($0.deadline, $0.order) < ($1.deadline, $1.order) }
    popped = []
    while let due = queue.popDue(at: 750) { popped.append(due.clients) }
    #expect(queue.nextDeadline() == model.first { $0.deadline > 750 }?.deadline)
    while let due = queue.popDue(at: .max) { popped.append(due.clients) }
    #expect(popped == model.map(\.order))
    #expect(queue.nextDeadline() == nil)
    #expect(queue.storedCount == 0)
  }

  @Test func `random work agrees with a plain list`() {
    var queue = SleepQueue()
    var owners = [queue.enter()]
    var model: [(deadline: UInt64, order: Int, owner: SleepQueue.Owner)] = []
    for step in 0..<20_000 {
      switch Int.random(in: 0..<10) {
      case 0: owners.append(queue.enter())
      case 1 where owners.count > 1:
        let owner = owners.remove(at: .random(in: 0..<owners.count))
        #expect(queue.leave(owner) == model.count { $0.owner == owner })
        model.removeAll { $0.owner == owner }
      case 2...6:
        guard let owner = owners.randomElement() else { continue }
        let deadline = UInt64.random(in: 0..<50)
        queue.add(owner, until: deadline, clients: UInt32(step))
        model.append((deadline, step, owner))
      default:
        let now = UInt64.random(in: 0..<50)
        let due = queue.popDue(at: now)
        let first = model.filter { $0.deadline <= now }
          .min { ($0.deadline, $0.order) < ($1.deadline, $1.order) }
        #expect(due?.clients == first.map { UInt32($0.order) })
        model.removeAll { $0.order == first?.order }
      }
      #expect(queue.count == model.count)
      #expect(queue.storedCount <= max(64, 2 * model.count + 1_100))
    }
  }
}
