/// A value of a loop's thread that others may carry about, and nobody may look into but on the loop.
///
/// It is the way back from another thread to a connection: take the connection's `LoopBound` along,
/// and open it in the body of ``EventLoop/Remote/execute(_:)``, which gets the loop.
///
/// A value that is no handle should be kept by something on the loop too: the last reference to it
/// would otherwise be given up by whatever thread drops the last `LoopBound`.
public struct LoopBound<Value>: Sendable {
  nonisolated(unsafe) private let value: Value
  nonisolated(unsafe) private let loop: EventLoop

  /// Binds a value to a loop, on the loop's own thread.
  public init(_ value: Value, to loop: EventLoop) {
    loop.checkThread()
    unsafe self.value = value
    unsafe self.loop = loop
  }

  /// The door of the loop that the value belongs to.
  public var remote: EventLoop.Remote { unsafe loop.remote }

  /// The value, on the thread of its loop.
  ///
  /// Another loop, or another thread while the loop runs, is a mistake in the program, and stops it,
  /// in release builds too.
  ///
  /// - Parameters:
  ///   - loop: The loop that the value was bound to: who has that is on its thread.
  ///   - file: The caller's file, for the words about a mistake.
  ///   - line: The caller's line.
  /// - Returns: The value.
  public func value(
    on loop: EventLoop, file: StaticString = #fileID, line: UInt = #line
  ) -> Value {
    if unsafe loop !== self.loop {
      stopProgram("a LoopBound value was asked for on another loop", file, line)
    }
    if loop.isRunningElsewhere {
      stopProgram("a LoopBound value was asked for on another thread", file, line)
    }
    return unsafe value
  }
}
