internal import Benchmark
internal import TestTaskOperations

/// Times every operation, with the options of swift-benchmark.
@main
struct Micro {
  /// Operations that are timed as one, because one takes less than a look at the clock: a time in
  /// microseconds is one operation's in nanoseconds.
  private static let batch = 1_000

  static func main() {
    let suite = BenchmarkSuite(name: "1000 times")
    for operation in Operation.all {
      let work = operation.prepare()
      suite.benchmark(operation.name) { sink = sink &+ work(batch) }
    }
    Benchmark.main([suite])
  }

  /// Where results go, so that the work cannot be left away.
  nonisolated(unsafe) private static var sink = 0
}
