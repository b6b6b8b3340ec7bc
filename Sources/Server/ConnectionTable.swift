import TestTaskServerCore
import UVNet

/// The server's connections: those of clients by their places in the core's table, and those of clients
/// that have left and not got all yet.
struct ConnectionTable {
  private var places: [StreamConnection?] = []
  private var lingering: [ObjectIdentifier: StreamConnection] = [:]

  /// The connection of the client at a place; nil where there is none.
  subscript(place: Int) -> StreamConnection? {
    places.indices.contains(place) ? places[place] : nil
  }

  /// The connections of clients.
  var all: [StreamConnection] { places.compactMap(\.self) }

  /// The connections of clients that have left.
  var allLingering: [StreamConnection] { Array(lingering.values) }

  /// What there is to see of the connection at a place.
  func traffic(at place: Int) -> Traffic { self[place]?.traffic ?? Traffic() }

  /// Makes room for so many, so that the table is not copied as it grows; memory that is not used yet
  /// costs none.
  mutating func reserve(_ count: Int) { places.reserveCapacity(min(count, 65_536)) }

  mutating func insert(_ connection: StreamConnection, at place: Int) {
    while places.count <= place { places.append(nil) }
    places[place] = connection
    connection.place = place
  }

  /// Takes away the connection of a client that leaves: it is no client's any more.
  mutating func remove(at place: Int) -> StreamConnection? {
    guard let connection = self[place] else { return nil }
    places[place] = nil
    connection.place = -1
    return connection
  }

  /// Keeps the connection of a client that has left and is still to get something.
  mutating func linger(_ connection: StreamConnection) {
    lingering[ObjectIdentifier(connection)] = connection
  }

  /// Forgets the connection of a client that has left.
  mutating func forget(_ connection: StreamConnection) {
    if !lingering.isEmpty { lingering[ObjectIdentifier(connection)] = nil }
  }
}
