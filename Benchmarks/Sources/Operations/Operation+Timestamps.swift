internal import TestTaskProto

extension Operation {
  /// Some moment, at the start of a second.
  private static let start: Int64 = 1_700_000_000_000_000_000

  private static let steps: [(String, Int64)] = [
    ("same millisecond", 0), ("new millisecond", 1_000_000), ("new second", 1_000_000_000),
  ]

  static let timestamps =
    steps.map { name, step in
      Operation(name: "timestamp/\(name)") {
        var formatter = TimestampFormatter()
        var now = start
        return { count in
          var sum = 0
          for _ in 0..<count {
            now += step
            sum += formatter.format(wallClockNanoseconds: now).utf8.count
          }
          return sum
        }
      }
    }
    + steps.map { name, step in
      // The server's whole answer to one fast request.
      Operation(name: "answer/\(name)") {
        var answer = FastAnswer()
        var now = start
        return { count in
          var sum = 0
          for _ in 0..<count {
            now += step
            answer.refresh(wallClockNanoseconds: now, count: 1)
            sum += answer.frames.count
          }
          return sum
        }
      }
    }
}
