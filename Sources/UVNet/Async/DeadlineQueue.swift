/// Something that is due at an instant.
class Deadline {
  final let instant: EventLoop.Instant
  /// Its index in the queue's heap; `nil` while it is not queued.
  fileprivate final var place: Int?

  init(at instant: EventLoop.Instant) { self.instant = instant }

  /// Called once, not before the instant.
  func fire() {}

  /// Called in place of ``fire()`` when the loop ends before.
  func cancel() {}
}

/// Deadlines, the earliest first: a binary heap in which each knows its place, so that one can be
/// taken out as cheaply as it was put in.
struct DeadlineQueue {
  private var heap: [Deadline] = []

  var count: Int { heap.count }
  var next: Deadline? { heap.first }

  mutating func insert(_ deadline: Deadline) {
    heap.append(deadline)
    rise(deadline, from: heap.count - 1)
  }

  /// Takes a deadline out; one that is not there is left alone.
  mutating func remove(_ deadline: Deadline) {
    guard let place = deadline.place else { return }
    deadline.place = nil
    let last = heap.removeLast()
    guard last !== deadline else { return }
    rise(last, from: place)
    sink(last)
  }

  private mutating func rise(_ deadline: Deadline, from start: Int) {
    var place = start
    while place > 0 {
      let above = (place - 1) / 2
      guard deadline.instant < heap[above].instant else { break }
      put(heap[above], at: place)
      place = above
    }
    put(deadline, at: place)
  }

  private mutating func sink(_ deadline: Deadline) {
    guard var place = deadline.place else { return }
    while true {
      var below = 2 * place + 1
      guard below < heap.count else { break }
      if below + 1 < heap.count, heap[below + 1].instant < heap[below].instant { below += 1 }
      guard heap[below].instant < deadline.instant else { break }
      put(heap[below], at: place)
      place = below
    }
    put(deadline, at: place)
  }

  private mutating func put(_ deadline: Deadline, at place: Int) {
    heap[place] = deadline
    deadline.place = place
  }
}
