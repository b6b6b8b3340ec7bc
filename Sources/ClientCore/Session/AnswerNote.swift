import TestTaskProgramBasics
import TestTaskProto

/// A note about an answer that is a valid message and still wrong.
enum AnswerNote: Hashable {
  /// The server's time is not in the form that the protocol asks for.
  case notATime
  /// The server slept for less than it was asked to.
  case early(by: Duration, of: Duration)

  /// The notes about an answer.
  static func notes(
    about answer: Answer, to request: Request, after roundTrip: Duration
  ) -> [AnswerNote] {
    switch (answer, request.kind) {
    case (.fast(let time), _):
      return Timestamp(time) == nil ? [.notATime] : []
    case (.slow, .slow(let seconds)):
      let sleep = Duration.seconds(Int64(seconds))
      return roundTrip < sleep ? [.early(by: sleep - roundTrip, of: sleep)] : []
    case (.slow, .fast): return []
    }
  }

  /// The note in words: `early: 2 ms of 1 s`.
  var text: String {
    switch self {
    case .notATime: "not YYYYMMDDThhmmss.fff"
    case .early(let time, let sleep):
      "early: \(Self.milliseconds(time)) ms of \(sleep.decimalSeconds) s"
    }
  }

  /// Milliseconds to the microsecond, without needless zeros; rounded up, so that it is never 0.
  private static func milliseconds(_ duration: Duration) -> String {
    let microseconds = (duration + .nanoseconds(999)).microseconds
    let (whole, rest) = microseconds.quotientAndRemainder(dividingBy: 1000)
    return (Duration.seconds(whole) + .milliseconds(rest)).decimalSeconds
  }
}
