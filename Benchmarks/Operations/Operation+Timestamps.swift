internal import TestTaskProto

extension Operation {
  /// Some moment, at the start of a second.
  private static let start: Int64 = 1_700_000_000_000_000_000

  private static let steps: [(String, Int64)] = [
    ("same millisecond", 0), ("new millisecond", 1_000_000), ("new second", 1_000_000_000),
  ]

  private struct Clock<Text: ~Copyable>: ~Copyable {
    var now = start
    var text: Text
  }

  static let timestamps =
    steps.map { name, step in
      repeating("timestamp/\(name)", on: { Clock(text: TimestampFormatter()) }) { clock, count in
        var sum = 0
        for _ in 0..<count {
          clock.now += step
          clock.text.update(wallClockNanoseconds: clock.now)
          sum += clock.text.text.count
        }
        return sum
      }
    }
    + steps.map { name, step in
      // The server's whole answer to one fast request.
      repeating("answer/\(name)", on: { Clock(text: FastAnswer()) }) { clock, count in
        var sum = 0
        for _ in 0..<count {
          clock.now += step
          clock.text.refresh(wallClockNanoseconds: clock.now, count: 1)
          sum += clock.text.withFrames(1) { $0.byteCount }
        }
        return sum
      }
    }
}
