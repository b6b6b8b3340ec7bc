internal import CLibUV

/// The process at the other end of a Unix socket, as it was when the connection was made.
///
/// It comes from the system and not from the peer, so it can be trusted. For the side that connects
/// it is the process that called `listen`. See SO_PEERCRED in
/// [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html).
public struct PeerCredentials: Hashable, Sendable {
  /// The process; 0 for one that cannot be seen from here, in another namespace.
  ///
  /// It may have ended, and another one may have its number by now.
  public let processID: Int32
  /// The user that the process ran as.
  public let userID: UInt32
  /// The group that the process ran as.
  public let groupID: UInt32

  /// Puts credentials together; for embedders' own tests.
  public init(processID: Int32, userID: UInt32, groupID: UInt32) {
    self.processID = processID
    self.userID = userID
    self.groupID = groupID
  }

  /// Asks the system; `nil` for a socket of another kind.
  init?(of descriptor: Int32) {
    var process: Int32 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
    guard unsafe cuv_peer_credentials(descriptor, &process, &user, &group) == 0 else { return nil }
    self.init(processID: process, userID: user, groupID: group)
  }
}

extension PeerCredentials: CustomStringConvertible {
  /// `pid=123,uid=1000`.
  public var description: String { "pid=\(processID),uid=\(userID)" }
}
