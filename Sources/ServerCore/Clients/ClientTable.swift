/// Who is connected, by place: a small number that is free again when the client leaves.
struct ClientTable {
  private var places: [Client] = []
  /// How many there are.
  private(set) var count = 0

  /// Whether a client is at a place; false for numbers that are no place.
  @inline(__always)
  func contains(_ place: Int) -> Bool {
    places.indices.contains(place) && places[place].isPresent
  }

  /// The client at a place; nil where there is none.
  ///
  /// A copy: ``read(_:_:)`` looks at one where it lies.
  subscript(place: Int) -> Client? { contains(place) ? places[place] : nil }

  /// Looks at the client at a place, where it lies; nil where there is none.
  @inline(__always)
  func read<Result>(_ place: Int, _ body: (borrowing Client) -> Result) -> Result? {
    contains(place) ? body(places[place]) : nil
  }

  /// Whose sleeping requests are those of the client at a place; nil where there is none.
  func owner(_ place: Int) -> SleepQueue.Owner? { contains(place) ? places[place].owner : nil }

  /// Makes room for so many, so that the table is not copied as it grows; memory that is not used yet
  /// costs none.
  mutating func reserve(_ count: Int) { places.reserveCapacity(min(count, 65_536)) }

  mutating func insert(_ client: Client) {
    let place = client.owner.index
    while places.count <= place { places.append(.absent) }
    if !places[place].isPresent { count += 1 }
    places[place] = client
  }

  /// Takes the client at a place away, and frees what it holds.
  mutating func remove(_ place: Int) {
    guard contains(place) else { return }
    count -= 1
    places[place].clear()
  }

  /// Changes the client at a place, where it lies; nil where there is none.
  @inline(__always)
  mutating func update<Result>(_ place: Int, _ body: (inout Client) -> Result) -> Result? {
    contains(place) ? body(&places[place]) : nil
  }

  /// The places that are taken.
  var taken: [Int] { places.indices.filter { places[$0].isPresent } }

  /// Whether the number is that of those who are there: what tests ask after every event.
  var isConsistent: Bool { count == places.count { $0.isPresent } }
}
