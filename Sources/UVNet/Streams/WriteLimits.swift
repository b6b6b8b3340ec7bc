extension StreamConnection {
  /// How many bytes and completions may wait to be sent.
  ///
  /// The numbers always make sense together: none is negative, and 0 ≤ ``lowWaterMark`` ≤
  /// ``highWaterMark`` ≤ ``maximumPendingBytes``. The initializer and each later assignment enforce
  /// that order: a mark above its upper bound is lowered to it, and a lowered bound lowers the
  /// marks below it.
  public struct WriteLimits: Hashable, Sendable {
    /// ``StreamConnection/isWritable`` is false from the first write that brings
    /// ``StreamConnection/pendingBytes`` above this many bytes.
    public var highWaterMark: Int { didSet { bringIntoOrder() } }
    /// It is true again when no more than this many bytes are left.
    public var lowWaterMark: Int { didSet { bringIntoOrder() } }
    /// A write that would raise ``StreamConnection/pendingBytes`` above this is refused.
    public var maximumPendingBytes: Int { didSet { bringIntoOrder() } }
    /// A write with a completion is refused while this many wait for theirs.
    ///
    /// Writes without one cost only their bytes and are not counted.
    public var maximumPendingCompletions: Int { didSet { bringIntoOrder() } }

    /// Makes limits; the defaults are 16 KiB and 64 KiB, 16 MiB and 65536 completions.
    public init(
      highWaterMark: Int = 65536, lowWaterMark: Int = 16384,
      maximumPendingBytes: Int = 16 << 20, maximumPendingCompletions: Int = 65536
    ) {
      self.highWaterMark = highWaterMark
      self.lowWaterMark = lowWaterMark
      self.maximumPendingBytes = maximumPendingBytes
      self.maximumPendingCompletions = maximumPendingCompletions
      bringIntoOrder()
    }

    /// Assigns only what changes, since each assignment calls this again.
    private mutating func bringIntoOrder() {
      if maximumPendingCompletions < 0 { maximumPendingCompletions = 0 }
      if maximumPendingBytes < 0 { maximumPendingBytes = 0 }
      if highWaterMark < 0 { highWaterMark = 0 }
      if highWaterMark > maximumPendingBytes { highWaterMark = maximumPendingBytes }
      if lowWaterMark < 0 { lowWaterMark = 0 }
      if lowWaterMark > highWaterMark { lowWaterMark = highWaterMark }
    }
  }
}

/// The limits of a connection; the connections of a listener share one object until their own are
/// set.
final class SharedLimits {
  let value: StreamConnection.WriteLimits
  init(_ value: StreamConnection.WriteLimits) { self.value = value }
}
