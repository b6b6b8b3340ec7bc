#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// Tells the service manager how the server is, by the protocol of sd_notify(3).
///
/// Without `NOTIFY_SOCKET` in the environment it does nothing.
struct ServiceNotifier {
  private let path: [UInt8]

  init() {
    let text = getenv("NOTIFY_SOCKET").map { String(cString: $0) } ?? ""
    // "@" stands for the zero byte that begins an abstract address.
    path = text.hasPrefix("@") ? [0] + text.utf8.dropFirst() : Array(text.utf8)
  }

  var isEnabled: Bool { !path.isEmpty }

  /// Sends assignments, one a line; what cannot be sent is lost.
  func send(_ assignments: String) {
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
