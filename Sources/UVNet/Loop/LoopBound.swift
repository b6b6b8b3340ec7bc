/// A value of a loop's thread that other threads may hold, and only the loop's thread may read.
///
/// It is the way back from another thread to a connection: take the connection's `LoopBound` along,
/// and open it in the body of ``EventLoop/Remote/execute(_:)``, which gets the loop.
///
/// A value that is no handle should be kept by something on the loop too. Otherwise the thread that
/// drops the last `LoopBound` releases the value.
public struct LoopBound<Value>: Sendable {
  nonisolated(unsafe) private let value: Value
  nonisolated(unsafe) private let loop: EventLoop

  /// Binds a value to a loop, on the loop's own thread.
  ///
  /// - Parameters:
  ///   - value: The value.
  ///   - loop: The loop on whose thread the value may be read.
  public init(_ value: Value, to loop: EventLoop) {
    loop.checkThread()
    unsafe self.value = value
    unsafe self.loop = loop
  }

  /// Binds a handle to the loop that it was made on, on the loop's own thread.
  ///
  /// - Parameter handle: The handle, such as a connection.
  public init(_ handle: Value) where Value: Handle {
    self.init(handle, to: handle.loop)
  }

  /// The remote of the loop that the value belongs to, for use on any thread.
  public var remote: EventLoop.Remote { unsafe loop.remote }

  /// The value, on the thread of its loop.
  ///
  /// Another loop, or another thread while the loop runs, is a mistake in the program, and stops it,
  /// in release builds too.
  ///
  /// - Parameters:
  ///   - loop: The loop that the value was bound to: whoever has the loop is on its thread.
  ///   - file: The caller's file, for the message about a mistake.
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
