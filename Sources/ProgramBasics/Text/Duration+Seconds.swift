internal import TestTaskProto

extension Duration {
  /// Reads seconds such as `3`, `0.25` or `4294967295`: ASCII digits, at most nine decimals.
  ///
  /// No sign, exponent or white space, and no more decimals than can be represented exactly.
  package init?(decimalSeconds text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard let whole = parts.first, parts.count <= 2, (1...10).contains(whole.count) else {
      return nil
    }
    let decimals = parts.count == 2 ? parts[1] : "0"[...].utf8
    let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
    guard (1...9).contains(decimals.count), whole.allSatisfy(digits.contains),
      decimals.allSatisfy(digits.contains),
      let seconds = Int64(Substring(whole)), let fraction = Int64(Substring(decimals))
    else { return nil }
    let scale = (decimals.count..<9).reduce(Int64(1)) { scale, _ in scale * 10 }
    self = .seconds(seconds) + .nanoseconds(fraction * scale)
  }

  /// Seconds as they are typed, without needless zeros: `3`, `0.25`.
  package var decimalSeconds: String {
    let (seconds, attoseconds) = components
    var decimals = DecimalDigits.text(Int(attoseconds.magnitude / 1_000_000_000), count: 9)
    while decimals.hasSuffix("0") { decimals.removeLast() }
    let sign = self < .zero ? "-" : ""
    return sign + String(seconds.magnitude) + (decimals.isEmpty ? "" : "." + decimals)
  }

  /// Whole microseconds, fractions cut off; the nearest that fits when it does not.
  package var microseconds: Int64 {
    let (seconds, attoseconds) = components
    let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
    return overflow ? (seconds < 0 ? .min : .max) : scaled &+ attoseconds / 1_000_000_000_000
  }
}
