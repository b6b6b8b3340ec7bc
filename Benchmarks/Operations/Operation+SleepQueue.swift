internal import TestTaskServerCore

extension Operation {
  static let sleepQueue = [among(1_000), among(100_000), leave]

  private struct Sleepers {
    var queue = SleepQueue()
    let owner: SleepQueue.Owner
    private var deadline: UInt32 = 0

    init(_ count: Int) {
      owner = queue.enter()
      for _ in 0..<count { add() }
      // Of many that are due, the queue sorts all when 256 have been taken out, and its heap is empty
      // then. Room for what comes from then on is made at once: when an array grows, and by how much,
      // depends on how malloc rounds.
      for _ in 0..<256 {
        add()
        _ = queue.popDue(at: .max)
      }
      queue.reserve(sleeping: count)
    }

    /// Deadlines that differ, the same in every run: a step by which all 2^32 numbers are reached.
    mutating func add() {
      deadline &+= 2_654_435_769
      queue.add(owner, until: UInt64(deadline), clients: 1)
    }
  }

  /// A request that goes to sleep and one that wakes, among so many.
  private static func among(_ size: Int) -> Operation {
    repeating("sleep queue/add, pop (among \(size))", on: { Sleepers(size) }) { sleepers, count in
      var sum = 0
      for _ in 0..<count {
        sleepers.add()
        sum += Int(sleepers.queue.popDue(at: .max)?.clients ?? 0)
      }
      return sum
    }
  }

  /// A client that comes, lets a request sleep, and leaves.
  private static let leave = repeating(
    "sleep queue/enter, add, leave", on: { SleepQueue() }
  ) { queue, count in
    var sum = 0
    for _ in 0..<count {
      let owner = queue.enter()
      queue.add(owner, until: 1, clients: 1)
      sum += queue.leave(owner)
    }
    return sum
  }
}
