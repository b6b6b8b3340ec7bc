import UVNet

/// The server's connections: those of clients by their places, and those of clients that have left and
/// not got all yet, by the clients' numbers.
///
/// The role that is kept with each connection says where it is.
struct ConnectionTable {
  private var places: [StreamConnection?] = []
  private var lingering: [Int: StreamConnection] = [:]

  /// The connection of the client at a place; nil where there is none.
  subscript(place: Int) -> StreamConnection? {
    places.indices.contains(place) ? places[place] : nil
  }

  /// The connections of clients.
  var all: [StreamConnection] { places.compactMap(\.self) }

  /// The connections of clients that have left.
  var allLingering: [StreamConnection] { Array(lingering.values) }

  /// Makes room for so many, so that the table is not copied as it grows; memory that is not used yet
  /// costs none.
  mutating func reserve(_ count: Int) { places.reserveCapacity(min(count, 65_536)) }

  mutating func insert(_ connection: StreamConnection, at place: Int) {
    while places.count <= place { places.append(nil) }
    places[place] = connection
    connection.role = .client(place: place)
  }

  /// Takes away the connection of a client that leaves: it is no client's any more.
  mutating func remove(at place: Int, number: UInt64) -> StreamConnection? {
    guard places.indices.contains(place), let connection = places[place] else { return nil }
    places[place] = nil
    connection.role = .left(number: Int(number))
    return connection
  }

  /// Keeps the connection of a client that has left and is still to get something.
  mutating func linger(_ connection: StreamConnection, number: UInt64) {
    lingering[Int(number)] = connection
  }

  /// Forgets the connection of a client that has left.
  mutating func forget(number: Int) {
    if !lingering.isEmpty { lingering[number] = nil }
  }
}
