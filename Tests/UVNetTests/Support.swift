#if canImport(Glibc)
  @_exported import Glibc
#elseif canImport(Musl)
  @_exported import Musl
#elseif canImport(Darwin)
  @_exported import Darwin
#endif
import Dispatch
import Testing

enum Thread {
  /// Runs `body` on another thread of the system's.
  static func detach(_ body: @escaping @Sendable () -> Void) {
    DispatchQueue.global().async(execute: body)
  }
}

/// Records an issue when `body` throws; unlike the macro it can stand inside another expectation.
func expectNoError(sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void) {
  do { try body() } catch {
    Issue.record(error, sourceLocation: sourceLocation)
  }
}
