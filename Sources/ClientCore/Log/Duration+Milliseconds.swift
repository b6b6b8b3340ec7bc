import TestTaskProgramBasics
import TestTaskProto

extension Duration {
  /// Milliseconds for people: `0.213`, `12.5`, `1002`.
  ///
  /// Cut off to three decimals below 10, to one below 100, and to none above. A negative duration is
  /// `0.000`.
  var readableMilliseconds: String {
    let microseconds = max(0, microseconds)
    let whole = microseconds / 1000
    if whole >= 100 { return String(whole) }
    let digits = DecimalDigits.text(Int(microseconds % 1000), count: 3)[...]
    return "\(whole).\(whole >= 10 ? digits.prefix(1) : digits)"
  }
}
