/// Jobs that wait for their turn, first in, first out; in steady state it allocates nothing.
struct JobRing: ~Copyable {
  /// A power of two, so that a place wraps by masking.
  private var places: [UnownedJob?] = Array(repeating: nil, count: 64)
  private var head = 0
  private(set) var count = 0

  var isEmpty: Bool { count == 0 }

  mutating func append(_ job: UnownedJob) {
    if count == places.count { grow() }
    places[(head &+ count) & (places.count &- 1)] = job
    count &+= 1
  }

  mutating func removeFirst() -> UnownedJob? {
    guard count > 0 else { return nil }
    let job = places[head]
    places[head] = nil
    head = (head &+ 1) & (places.count &- 1)
    count &-= 1
    return job
  }

  private mutating func grow() {
    var larger: [UnownedJob?] = []
    larger.reserveCapacity(places.count * 2)
    larger += places[head...]
    larger += places[..<head]
    larger += Array(repeating: nil, count: places.count)
    places = larger
    head = 0
  }
}
