/// What happened to the attempt to connect or to the connection, except that bytes came.
package enum NetworkEvent: Hashable {
  case connected
  case connectFailed(ConnectFailure)
  /// The server has ended its stream.
  case ended
  case lost(LossCause)
}
