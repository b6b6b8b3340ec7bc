/// When the kernel gives up a host that says nothing any more; the shell hands it on.
///
/// A host that went away without a word is noticed in two minutes when nothing is sent to it, and by
/// ``unacknowledged`` when something is.
package struct SilenceLimits: Hashable, Sendable {
  package var beforeFirstProbe = Duration.seconds(60)
  package var betweenProbes = Duration.seconds(10)
  package var probes = 6
  /// How long answers may stay unacknowledged.
  package var unacknowledged: Duration
}

extension Configuration {
  package var silenceLimits: SilenceLimits {
    // Longer than our own patience, which tells a stuck client from a host that is gone.
    SilenceLimits(unacknowledged: .seconds(stuckPeerTimeoutSeconds + 10))
  }
}
