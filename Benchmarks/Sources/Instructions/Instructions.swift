internal import TestTaskOperations

/// Does every operation some times, and twice as often: `instructions` runs this under callgrind,
/// whose count is dumped each time that ``mark()`` is entered.
@main
struct Instructions {
  static func main() {
    guard CommandLine.arguments.count == 2, let count = Int(CommandLine.arguments[1]) else {
      print("usage: Instructions COUNT, under callgrind")
      return
    }
    for operation in Operation.all {
      let work = operation.prepare()
      // Once before, so that what only a first time costs is not counted.
      var sum = work(count)
      mark()
      sum &+= work(count)
      mark()
      sum &+= work(2 * count)
      mark()
      print(operation.name, sum, separator: "\t")
    }
  }

  @inline(never)
  static func mark() { marks += 1 }

  nonisolated(unsafe) private static var marks = 0
}
