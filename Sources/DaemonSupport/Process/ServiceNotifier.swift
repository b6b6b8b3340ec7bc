import TestTaskProgramBasics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Tells the service manager how the program is, by the protocol of sd_notify(3).
///
/// Without a socket it does nothing.
package struct ServiceNotifier {
  private let path: [UInt8]

  /// - Parameter socket: Where the service manager listens, as in `NOTIFY_SOCKET`.
  package init(socket: String? = environment("NOTIFY_SOCKET")) {
    let text = socket ?? ""
    // "@" stands for the zero byte that begins an abstract address.
    path = text.hasPrefix("@") ? [0] + text.utf8.dropFirst() : Array(text.utf8)
  }

  /// Whether a service manager listens.
  package var isEnabled: Bool { !path.isEmpty }

  /// Sends assignments, one a line; what cannot be sent is lost.
  package func send(_ assignments: String) {
    guard isEnabled else { return }
    #if os(Linux)
      let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    #else
      let kind = SOCK_DGRAM
    #endif
    let descriptor = socket(AF_UNIX, kind, 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard path.count < room else { return }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size - room + path.count)
    let message = Array(assignments.utf8)
    _ = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        sendto(descriptor, message, message.count, Int32(MSG_DONTWAIT), $0, length)
      }
    }
  }
}
