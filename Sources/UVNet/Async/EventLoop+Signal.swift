extension EventLoop {
  /// Waits for one of several signals.
  ///
  /// The signals are watched from the call to its return; before and after that they do what they
  /// do by default.
  ///
  /// - Parameter numbers: The signals' numbers, such as `SIGTERM`.
  /// - Returns: The signal that came.
  /// - Throws: ``UVError/Code/invalidArgument`` for a number that cannot be watched;
  ///   ``UVError/Code/canceled`` when the task is cancelled or the loop ends.
  public nonisolated(nonsending) func signal(_ numbers: Int32...) async throws(UVError) -> Int32 {
    try await firstSignal(of: numbers)
  }

  /// Waits for one of several signals, by their names; see ``signal(_:)-(Int32...)``.
  ///
  /// - Parameter signals: The signals, such as ``Signal/terminate``.
  /// - Returns: The signal that came.
  /// - Throws: ``UVError/Code/invalidArgument`` for one that cannot be watched;
  ///   ``UVError/Code/canceled`` when the task is cancelled or the loop ends.
  public nonisolated(nonsending) func signal(_ signals: Signal...) async throws(UVError) -> Signal {
    Signal(rawValue: try await firstSignal(of: signals.map(\.rawValue)))
  }

  private nonisolated(nonsending) func firstSignal(
    of numbers: [Int32]
  ) async throws(UVError) -> Int32 {
    let tasks = try startTasks()
    let wait = LoopWait()
    var sources: [SignalSource] = []
    defer { for source in sources { source.close() } }
    let received = Received()
    for number in numbers {
      sources.append(
        try SignalSource.on(number, on: self) { _ in
          if received.signal == nil { received.signal = number }
          wait.wake()
        })
    }
    _ = await tasks.suspend(wait)
    guard let signal = received.signal else { throw UVError(.canceled, during: .wait) }
    return signal
  }

  private final class Received {
    var signal: Int32?
  }
}
