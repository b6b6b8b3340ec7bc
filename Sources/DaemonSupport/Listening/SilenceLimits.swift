internal import UVNet

/// When the kernel gives up a host that says nothing any more.
///
/// A host that went away without a word is noticed in two minutes when nothing is sent to it, and by
/// ``unacknowledged`` when something is.
package struct SilenceLimits: Hashable, Sendable {
  package var beforeFirstProbe = Duration.seconds(60)
  package var betweenProbes = Duration.seconds(10)
  package var probes = 6
  /// How long what was sent may stay unacknowledged.
  package var unacknowledged: Duration

  package init(unacknowledged: Duration) { self.unacknowledged = unacknowledged }

  /// In the library's words.
  var options: TCPOptions {
    TCPOptions(
      keepAlive: .init(idle: beforeFirstProbe, interval: betweenProbes, count: probes),
      userTimeout: unacknowledged)
  }
}
