package import TestTaskDaemonSupport

extension Configuration {
  /// Unsent answers from which decoding and reading pause: a sixteenth of the hard cap, because
  /// pausing has to come long before the cap for a peer that does read never to be cut.
  package var pauseMarkBytes: Int { max(1, writeBufferBytes / 16) }

  /// What each connection may hold as long as all of them together hold little.
  package var outputLimits: OutputLimits {
    // The mark itself must already count as above it: decoding stops there.
    OutputLimits(
      highWaterMark: pauseMarkBytes - 1, lowWaterMark: pauseMarkBytes / 4,
      maximumPendingBytes: writeBufferBytes)
  }

  /// Bytes held for all connections together from which each may hold little more: a quarter of
  /// the whole, because what is held already is still to come down.
  package var tightMarkBytes: Int { totalWriteBufferBytes / 4 }

  /// What each connection may hold from there on.
  ///
  /// Its hard cap stays, so that a peer that does read is not cut for the sake of those that do not.
  package var tightOutputLimits: OutputLimits {
    var limits = outputLimits
    limits.highWaterMark = min(limits.highWaterMark, 4_095)
    limits.lowWaterMark = min(limits.lowWaterMark, 1_024)
    return limits
  }

  /// When the kernel gives up a host that says nothing any more.
  package var silenceLimits: SilenceLimits {
    // Longer than our own patience, which tells a stuck client from a host that is gone.
    SilenceLimits(unacknowledged: .seconds(stuckPeerTimeoutSeconds + 10))
  }
}
