extension Operation {
  static let sleepQueue = [among(1_000), among(100_000), leave]

  /// A request that goes to sleep and one that wakes, among so many.
  private static func among(_ size: Int) -> Operation {
    Operation(name: "sleep queue/add, pop (among \(size))") {
      var queue = SleepQueue()
      let owner = queue.enter()
      // Deadlines that differ, the same in every run: a step that all 2^32 numbers are reached by.
      var deadline: UInt32 = 0
      func add() {
        deadline &+= 2_654_435_769
        queue.add(owner, until: UInt64(deadline), clients: 1)
      }
      for _ in 0..<size { add() }
      return { count in
        var sum = 0
        for _ in 0..<count {
          add()
          sum += Int(queue.popDue(at: .max)?.clients ?? 0)
        }
        return sum
      }
    }
  }

  /// A client that comes, lets a request sleep, and leaves.
  private static let leave = Operation(name: "sleep queue/enter, add, leave") {
    var queue = SleepQueue()
    return { count in
      var sum = 0
      for _ in 0..<count {
        let owner = queue.enter()
        queue.add(owner, until: 1, clients: 1)
        sum += queue.leave(owner)
      }
      return sum
    }
  }
}
