/// The bytes held in memory for clients: for each one, and their sum.
///
/// Nothing else changes the sum. It remembers what each client has added to it, and takes exactly
/// that away when the client leaves; what is said about a client that has left changes nothing.
struct MemoryLedger {
  /// The sum over all clients.
  private(set) var total = 0
  /// By the clients' places; ``absent`` where there is none.
  private var held: [Int] = []
  private static let absent = -1

  /// Begins to count for the client at a place, which holds nothing yet.
  mutating func enter(_ place: Int) {
    while held.count <= place { held.append(Self.absent) }
    leave(place)
    held[place] = 0
  }

  /// Says what the client at a place holds now.
  mutating func update(_ place: Int, holds bytes: Int) {
    guard held.indices.contains(place), held[place] != Self.absent else { return }
    total += bytes - held[place]
    held[place] = bytes
  }

  /// Takes away all that the client at a place has added.
  mutating func leave(_ place: Int) {
    guard held.indices.contains(place), held[place] != Self.absent else { return }
    total -= held[place]
    held[place] = Self.absent
  }

  /// What the client at a place held when that was last said.
  func bytes(of place: Int) -> Int {
    held.indices.contains(place) ? max(0, held[place]) : 0
  }

  /// Whether the sum is the sum: what tests ask after every event.
  var isConsistent: Bool { total == held.reduce(0) { $0 + max(0, $1) } && total >= 0 }
}
