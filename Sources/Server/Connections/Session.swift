import TestTaskProto
import UVNet

/// One connected client: its stream, where decoding stands, and what the log will say of it.
final class Session {
  // What a request touches comes first, so that it shares a line of the processor's cache; then in
  // the order that packs best: ten thousand clients have one each.
  let connection: TCPConnection
  /// What was read and not decoded, because the peer has to take answers first.
  @exclusivity(unchecked) var undecoded: [UInt8] = []
  var requests: UInt64 = 0
  /// Handling a frame leaves it alone, so that no look-up at run time is needed.
  @exclusivity(unchecked) var decoder: FrameDecoder
  /// Whether it has the write limits for times when all connections together hold too much.
  var isTight = false
  /// The peer has ended its stream, and still gets something.
  var hasEnded = false
  /// `conn` in the log: unique while the server runs.
  let number: UInt64
  /// The peer's address; `unknown` after a reset that came before we could ask.
  let peer: String
  /// Nanoseconds on the loop's clock.
  let connectedAt: UInt64
  var activity: ConnectionActivity
  /// Its place among the sleeping requests, and in the server's table of sessions.
  let owner: SleepQueue.Owner

  init(
    _ connection: TCPConnection, number: UInt64, owner: SleepQueue.Owner,
    maximumFrameLength: Int, at now: UInt64
  ) {
    self.connection = connection
    self.number = number
    self.owner = owner
    self.peer = connection.remoteAddress?.description ?? "unknown"
    self.connectedAt = now
    self.decoder = FrameDecoder(maximumFrameLength: maximumFrameLength)
    self.activity = ConnectionActivity(at: now)
  }

  /// What there is to see of it now.
  func observation(sleepingRequests: Int) -> ConnectionActivity.Observation {
    ConnectionActivity.Observation(
      bytesRead: connection.bytesRead, bytesWritten: connection.bytesWritten,
      unsent: connection.pendingBytes,
      frameOffset: decoder.isInsideFrame ? decoder.offset : nil,
      sleepingRequests: sleepingRequests)
  }
}
