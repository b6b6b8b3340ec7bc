package import UVNet

/// How many unsent bytes a connection may have.
package struct OutputLimits: Hashable, Sendable {
  /// A write that brings more than this many unsent bytes fills the connection.
  package var highWaterMark: Int
  /// It has drained when no more than this many are left.
  package var lowWaterMark: Int
  /// A write that would bring more is refused.
  package var maximumPendingBytes: Int

  package init(highWaterMark: Int, lowWaterMark: Int, maximumPendingBytes: Int) {
    self.highWaterMark = highWaterMark
    self.lowWaterMark = lowWaterMark
    self.maximumPendingBytes = maximumPendingBytes
  }
}

extension StreamConnection.WriteLimits {
  /// The same limits in the library's words.
  package init(_ limits: OutputLimits) {
    self.init(
      highWaterMark: limits.highWaterMark, lowWaterMark: limits.lowWaterMark,
      maximumPendingBytes: limits.maximumPendingBytes)
  }
}
