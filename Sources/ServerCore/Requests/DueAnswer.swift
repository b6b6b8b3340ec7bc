/// An answer to a slow request whose time has come.
package struct DueAnswer: Equatable {
  package var place: Int
  /// The clients that were connected when the request came.
  package var connectedClients: UInt32
}
