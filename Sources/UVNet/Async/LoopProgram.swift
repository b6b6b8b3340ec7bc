#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A whole program that is async on a loop, in one thread.
///
/// The type has `@main`, and its ``main(on:)`` is the program; README and <doc:AsyncAwait> show one.
public protocol LoopProgram: SendableMetatype {
  /// The program; when it returns, all that is left on the loop is closed.
  ///
  /// - Parameter loop: The loop, which runs.
  /// - Throws: What ends the program with status 1.
  @LoopActor static func main(on loop: EventLoop) async throws
}

extension LoopProgram {
  /// Makes a loop, runs the program on it, and closes the loop and everything on it.
  ///
  /// On Linux the loop serves the main actor as well; see ``EventLoop/serveMainActor()``.
  ///
  /// When the program throws, the error goes to standard error, and the process ends with status 1.
  public static func main() {
    do {
      try EventLoop.run { loop in
        #if os(Linux)
          try loop.serveMainActor()
        #endif
        try await main(on: loop)
      }
    } catch {
      let text = Array("error: \(error)\n".utf8)
      _ = unsafe text.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
      exit(1)
    }
  }
}
