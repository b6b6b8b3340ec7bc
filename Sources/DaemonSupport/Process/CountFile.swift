internal import TestTaskProgramBasics
internal import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The file by which a daemon counts its clients together with other processes.
package enum CountFile {
  /// What is wrong with it, in one line.
  package struct Failure: Error, CustomStringConvertible {
    package let description: String

    init(_ error: UVError) {
      let detail = (error.detail ?? "").escapedForTerminal
      // The library's own errors say all in the detail. libuv has no words for some of the system's.
      let reason = unsafe String(cString: strerror(-error.code.rawValue))
      description =
        "cannot share the number of clients: " + detail
        + (error.domain == .library ? "" : ": \(reason)")
    }
  }

  /// Opens it for this process.
  ///
  /// - Parameters:
  ///   - path: The file.
  ///   - descriptor: The lowest descriptor to have it open at: above those of all clients.
  /// - Returns: The count of all; this process has its part in it until that is dropped.
  /// - Throws: What is wrong with it.
  package static func open(
    _ path: String, descriptorFrom descriptor: Int
  ) throws(Failure) -> SharedCount {
    do throws(UVError) {
      let counter = try SharedCounter(file: path, descriptorFrom: Int32(clamping: descriptor))
      return SharedCount(
        publish: { counter.own = UInt32(clamping: $0) }, others: { counter.others })
    } catch {
      throw Failure(error)
    }
  }

  /// Says whether it could be opened, and makes no file.
  package static func check(_ path: String) throws(Failure) {
    do throws(UVError) { try SharedCounter.check(file: path) } catch { throw Failure(error) }
  }
}
