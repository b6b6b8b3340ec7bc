import TestTaskProgramBasics
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What keeps the server from counting clients together with others, in one line.
struct CountFileFailure: Error, CustomStringConvertible {
  let description: String

  init(_ error: UVError) {
    let detail = (error.detail ?? "").escapedForTerminal
    // The library's own errors say all in the detail. libuv has no words for some of the system's.
    let reason = unsafe String(cString: strerror(-error.code.rawValue))
    description =
      "cannot share the number of clients: " + detail
      + (error.domain == .library ? "" : ": \(reason)")
  }
}
