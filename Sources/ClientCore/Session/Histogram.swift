/// Counts durations in log-linear buckets: any number of them in 16 KiB.
///
/// Every power of two is divided into 32 equal buckets, and a bucket stands for its middle: a quantile
/// is wrong by at most 1/64 of itself, 1.6 %. The minimum and the maximum are kept exactly.
struct Histogram: Hashable {
  private(set) var count: UInt64 = 0
  /// In nanoseconds, like all values.
  private(set) var minimum: UInt64 = .max
  private(set) var maximum: UInt64 = 0
  private var buckets: [UInt64] = []

  /// A histogram without values.
  init() {}

  /// Counts one value.
  mutating func record(_ value: UInt64) {
    let index = Self.bucket(of: value)
    if index >= buckets.count {
      buckets += Array(repeating: 0, count: index + 1 - buckets.count)
    }
    buckets[index] &+= 1
    count &+= 1
    minimum = min(minimum, value)
    maximum = max(maximum, value)
  }

  /// The quantile for a share of 0 … 1 of all values, wrong by at most 1/64; nil when there is no
  /// value.
  func quantile(_ share: Double) -> UInt64? {
    guard count > 0 else { return nil }
    let rank = max(1, UInt64((Double(count) * min(max(share, 0), 1)).rounded(.up)))
    var seen: UInt64 = 0
    for (index, number) in buckets.enumerated() {
      seen &+= number
      if seen >= rank { return min(max(Self.middle(ofBucket: index), minimum), maximum) }
    }
    return maximum
  }

  /// Values below 64 have a bucket each; above, the five bits after the leading one select it.
  static func bucket(of value: UInt64) -> Int {
    let shift = max(0, 58 - value.leadingZeroBitCount)
    return shift * 32 + Int(value >> UInt64(shift))
  }

  static func middle(ofBucket index: Int) -> UInt64 {
    guard index >= 64 else { return UInt64(index) }
    let shift = UInt64(index / 32 - 1)
    return (UInt64(index % 32 + 32) << shift) + (1 << shift) / 2
  }
}
