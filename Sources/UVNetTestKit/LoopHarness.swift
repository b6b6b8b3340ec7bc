public import UVNet

/// Runs a test's body and then its loop, and fails unless everything was closed at the end.
///
/// A watchdog on the same loop ends a test that hangs; it is not meant to measure speed. The kit
/// does not depend on a test framework: a failed check is thrown as an error.
///
/// ```swift
/// try LoopHarness.run { loop, calls in
///   LoopTimer.after(.milliseconds(1), on: loop) { _ in calls.record("fired") }
///   calls.expect(["fired"])
/// }
/// ```
public enum LoopHarness {
  /// Runs `body`, then the loop until nothing keeps it alive.
  ///
  /// - Parameters:
  ///   - watchdog: The time after which a loop that still runs counts as hung.
  ///   - body: Sets the test up; gets a new loop and a record of calls.
  /// - Throws: A ``LoopHarnessError``, or what `body` throws.
  public static func run(
    watchdog: Duration = .seconds(30), _ body: (EventLoop, CallRecord) throws -> Void
  ) throws {
    let loop = try EventLoop()
    let calls = CallRecord()
    var hung = false
    let timer = LoopTimer.after(watchdog, on: loop) { [unowned loop] _ in
      hung = true
      loop.stop()
    }
    timer.keepsLoopAlive = false
    var failure: (any Error)?
    do { try body(loop, calls) } catch {
      failure = error
      loop.end()
    }
    // A body that runs the loop itself may have met the watchdog already, and it comes only once.
    if !hung { loop.run() }
    timer.cancel()
    // One more turn, for the close of the watchdog.
    if !hung { loop.run() }
    let open = loop.openHandles
    if !open.isEmpty {
      loop.end()
      loop.run()
    }
    try loop.close()
    if let failure { throw failure }
    if hung { throw LoopHarnessError.hung(open: open, calls: calls.names) }
    guard open.isEmpty else { throw LoopHarnessError.handlesLeftOpen(open) }
    try calls.check()
  }
}

/// The failure that a ``LoopHarness`` found.
public enum LoopHarnessError: Error, CustomStringConvertible {
  /// The watchdog fired.
  case hung(open: [String], calls: [String])
  /// The loop had nothing more to do, and these handles were not closed.
  case handlesLeftOpen([String])
  /// The calls were not those expected.
  case unexpectedCalls([String], expected: [String])

  /// The failure in words.
  public var description: String {
    switch self {
    case .hung(let open, let calls):
      "the loop was still running at the watchdog; open: \(open); calls so far: \(calls)"
    case .handlesLeftOpen(let open): "handles were left open: \(open)"
    case .unexpectedCalls(let calls, let expected): "calls were \(calls), expected \(expected)"
    }
  }
}

/// The calls that a test saw, in order, and those that it expects.
public final class CallRecord {
  /// What was recorded so far.
  public private(set) var names: [String] = []
  private var expected: [String]?

  /// A record of no calls, for a test without ``LoopHarness``.
  public init() {}

  /// Notes that something was called.
  public func record(_ name: String) { names.append(name) }

  /// How often a name was recorded.
  public func count(of name: String) -> Int { names.count { $0 == name } }

  /// Sets the calls that must have been recorded when the loop has ended, in this order.
  public func expect(_ names: [String]) { expected = names }

  func check() throws {
    guard let expected, expected != names else { return }
    throw LoopHarnessError.unexpectedCalls(names, expected: expected)
  }
}
