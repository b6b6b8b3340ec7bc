/// The loop's thread, as a global actor: what is isolated to it runs there and may use the loop and
/// everything on it.
///
/// A process has one such loop at a time, the one that ``EventLoop/run(_:)`` or a ``LoopProgram``
/// runs. Code of this actor that is called while there is none waits for the next.
///
/// A callback of the library is on the thread as well, but the compiler does not know it unless the
/// closure is written inside code of this actor; elsewhere ``assumeIsolated(_:file:line:)`` states
/// it.
@globalActor public actor LoopActor {
  /// The only instance.
  public static let shared = LoopActor()

  private init() {}

  /// The executor of the loop.
  public nonisolated var unownedExecutor: UnownedSerialExecutor {
    unsafe LoopExecutor.main.asUnownedSerialExecutor()
  }

  /// Calls `body`, which is isolated to this actor, from code of the loop's thread that is not, such
  /// as a callback.
  ///
  /// Anywhere else the call is a mistake in the program, and stops it.
  ///
  /// - Parameters:
  ///   - body: Called at once.
  ///   - file: The file of the call, for the message about a mistake.
  ///   - line: The line of the call.
  /// - Returns: What `body` returns.
  /// - Throws: What `body` throws.
  public nonisolated static func assumeIsolated<R, Failure: Error>(
    _ body: @LoopActor () throws(Failure) -> R, file: StaticString = #fileID, line: UInt = #line
  ) throws(Failure) -> R {
    guard LoopExecutor.main.isOnThread else {
      stopProgram(
        "LoopActor.assumeIsolated was called on a thread that does not run the loop", file, line)
    }
    typealias Isolated = @LoopActor () throws(Failure) -> R
    typealias Plain = () throws(Failure) -> R
    return try withoutActuallyEscaping(body) {
      (body: @escaping Isolated) throws(Failure) -> R in
      // The same function to call: isolation to a global actor leaves no trace in it.
      try (unsafe unsafeBitCast(body, to: Plain.self))()
    }
  }
}
