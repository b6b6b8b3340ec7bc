#if canImport(Glibc)
  @_exported import Glibc
#elseif canImport(Darwin)
  @_exported import Darwin
#endif
import Testing

enum Thread {
  /// Runs `body` on a thread of its own: tests that block would starve a shared pool.
  static func detach(_ body: @escaping @Sendable () -> Void) {
    final class Box: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let status = pthread_create(
      &thread, nil,
      { box in
        if let box { Unmanaged<Box>.fromOpaque(box).takeRetainedValue().body() }
        return nil
      }, Unmanaged.passRetained(Box(body)).toOpaque())
    precondition(status == 0, "pthread_create: \(status)")
    #if canImport(Darwin)
      if let thread { pthread_detach(thread) }
    #else
      pthread_detach(thread)
    #endif
  }
}

/// Records an issue when `body` throws; unlike the macro it can stand inside another expectation.
func expectNoError(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
  do { try body() } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
}

#if canImport(Darwin)
  let streamSocket = SOCK_STREAM
#else
  let streamSocket = Int32(SOCK_STREAM.rawValue)
#endif
