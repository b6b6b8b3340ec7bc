internal import HeapModule

/// The requests that sleep, of all connections, in order of deadline and then of arrival.
///
/// One heap behind one timer: an entry is 24 bytes and names its connection by slot and
/// generation, so that a connection leaves at once and its entries become dead where they lie.
/// They are swept when they are half of the heap: a client that asks for 136 years a thousand
/// times and leaves, again and again, does not grow it.
package struct SleepQueue {
  /// A connection's place; valid until ``leave(_:)``, and never confused with a later one.
  package struct Owner: Hashable {
    fileprivate(set) var slot: UInt32
    fileprivate var generation: UInt32

    /// Nobody's place.
    static var none: Owner { Owner(slot: .max, generation: 0) }

    /// For arrays kept beside the queue, one element a connection.
    package var index: Int { Int(slot) }
  }

  /// A sleep that is over.
  package struct Due: Equatable {
    package var owner: Owner
    /// The clients that were connected when the request came.
    package var clients: UInt32
    /// When it was over, in nanoseconds on the loop's clock.
    package var deadline: UInt64
  }

  private struct Slot {
    var generation: UInt32 = 0
    var sleeping: UInt32 = 0
  }

  private struct Entry: Comparable {
    /// Nanoseconds on the loop's clock.
    var deadline: UInt64
    var arrival: UInt32
    var clients: UInt32
    var owner: Owner

    static func < (left: Entry, right: Entry) -> Bool {
      if left.deadline != right.deadline { return left.deadline < right.deadline }
      // The counter goes round; entries of one deadline came close together.
      return Int32(bitPattern: left.arrival &- right.arrival) < 0
    }
  }

  private var heap = Heap<Entry>()
  /// Taken out of the heap together because they were due with many others: sorted, the next one due
  /// at the end.
  private var ready: [Entry] = []
  private var mostStored = 0
  /// What ``popDue(at:)`` was asked last, and how often since that changed.
  private var lastAsked: UInt64 = 0
  private var pops = 0
  private var arrivals: UInt32 = 0
  private var slots: [Slot] = []
  private var freeSlots: [UInt32] = []
  private let firstGeneration: UInt32
  /// Requests that sleep and whose connections are there.
  package private(set) var count = 0

  /// Entries held, dead ones too.
  package var storedCount: Int { heap.count + ready.count }

  /// Makes an empty queue; `firstGeneration` is for tests of what 2^32 connections do to a place.
  package init(firstGeneration: UInt32 = 0) { self.firstGeneration = firstGeneration }

  /// Makes room for so many connections, so that their table is not copied as it grows.
  mutating func reserve(_ connections: Int) { slots.reserveCapacity(min(connections, 65_536)) }

  /// Makes room for so many sleeping requests, for a benchmark that is not to count how it grows.
  package mutating func reserve(sleeping count: Int) { heap.reserveCapacity(count) }

  /// Gives a new connection its place.
  package mutating func enter() -> Owner {
    if let slot = freeSlots.popLast() {
      return Owner(slot: slot, generation: slots[Int(slot)].generation)
    }
    slots.append(Slot(generation: firstGeneration))
    return Owner(
      slot: UInt32(truncatingIfNeeded: slots.count - 1), generation: firstGeneration)
  }

  /// Takes a connection away with all its sleeping requests, and tells how many they were.
  @discardableResult
  package mutating func leave(_ owner: Owner) -> Int {
    guard isPresent(owner) else { return 0 }
    let dropped = Int(slots[owner.index].sleeping)
    slots[owner.index] = Slot(generation: owner.generation &+ 1)
    freeSlots.append(owner.slot)
    count -= dropped
    if owner.generation == .max {
      // The numbers begin again: no dead entry may be left that a later connection could inherit.
      removeDead()
    } else if heap.count >= 64, heap.count / 2 >= count {
      // A small heap is not worth the walk.
      removeDead()
    }
    return dropped
  }

  /// How many requests of a connection sleep.
  package func sleeping(of owner: Owner) -> Int {
    isPresent(owner) ? Int(slots[owner.index].sleeping) : 0
  }

  /// Lets a request sleep until `deadline`, nanoseconds on the loop's clock.
  package mutating func add(_ owner: Owner, until deadline: UInt64, clients: UInt32) {
    guard isPresent(owner) else { return }
    heap.insert(Entry(deadline: deadline, arrival: arrivals, clients: clients, owner: owner))
    mostStored = max(mostStored, storedCount)
    arrivals &+= 1
    slots[owner.index].sleeping += 1
    count += 1
  }

  /// The next deadline of a connection that is still there.
  package mutating func nextDeadline() -> UInt64? {
    while let first {
      if isPresent(first.owner) { return first.deadline }
      _ = removeFirst(dueAt: .max)
    }
    // A burst's memory goes with it; what ordinary work needs is kept.
    if mostStored > 4_096 { (heap, ready) = (Heap(), []) }
    mostStored = 0
    return nil
  }

  /// Takes out the first request whose sleep is over.
  package mutating func popDue(at now: UInt64) -> Due? {
    gatherIfWorthIt(at: now)
    while let next = removeFirst(dueAt: now) {
      guard isPresent(next.owner) else { continue }
      slots[next.owner.index].sleeping -= 1
      count -= 1
      return Due(owner: next.owner, clients: next.clients, deadline: next.deadline)
    }
    return nil
  }

  private var first: Entry? {
    guard let last = ready.last else { return heap.min }
    guard let least = heap.min, least < last else { return last }
    return least
  }

  /// Removes the first entry, and returns it, if its sleep is over.
  private mutating func removeFirst(dueAt now: UInt64) -> Entry? {
    let least = heap.min
    if let last = ready.last, least.map({ last < $0 }) ?? true {
      guard last.deadline <= now else { return nil }
      ready.removeLast()
      return last
    }
    guard let least, least.deadline <= now else { return nil }
    heap.removeMin()
    return least
  }

  /// Sorts what is due at once, when so much of a large heap is that taking it out one by one, each
  /// a walk through all levels, would cost several times more.
  private mutating func gatherIfWorthIt(at now: UInt64) {
    if now != lastAsked { (lastAsked, pops) = (now, 0) }
    pops += 1
    // Counting is a walk through the whole heap: one for each fourfold of what has been popped.
    guard ready.isEmpty, heap.count >= 2_048, pops >= 256, pops.nonzeroBitCount == 1,
      pops.trailingZeroBitCount.isMultiple(of: 2)
    else { return }
    let due = heap.unordered.count { $0.deadline <= now }
    guard due >= heap.count / 8 else { return }
    ready = heap.unordered.filter { $0.deadline <= now }.sorted { $1 < $0 }
    heap = Heap(heap.unordered.filter { $0.deadline > now })
  }

  /// Drops what would sleep longer than until `deadline`: how many requests, each told to `body`.
  package mutating func drop(
    after deadline: UInt64, _ body: (Owner) -> Void = { _ in }
  ) -> Int {
    let before = count
    for entry in heap.unordered + ready where entry.deadline > deadline && isPresent(entry.owner) {
      slots[entry.owner.index].sleeping -= 1
      count -= 1
      body(entry.owner)
    }
    heap = Heap(heap.unordered.filter { $0.deadline <= deadline && isPresent($0.owner) })
    ready.removeAll { $0.deadline > deadline }
    return before - count
  }

  private func isPresent(_ owner: Owner) -> Bool {
    slots[owner.index].generation == owner.generation
  }

  private mutating func removeDead() {
    heap = Heap(heap.unordered.filter { isPresent($0.owner) })
    ready = ready.filter { isPresent($0.owner) }
  }
}
