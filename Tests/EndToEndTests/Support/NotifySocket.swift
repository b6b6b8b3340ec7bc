#if os(Linux)
  #if canImport(Glibc)
    import Glibc
  #endif

  /// The service manager's end of sd_notify(3), at a path or at an abstract address.
  final class NotifySocket {
    private let descriptor: Int32

    init(_ path: String, isAbstract: Bool) throws {
      descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      var patience = timeval(tv_sec: 20, tv_usec: 0)
      setsockopt(
        descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      let bytes = (isAbstract ? [0] : []) + Array(path.utf8)
      let header = MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
      let status = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(header + bytes.count))
        }
      }
      guard status == 0 else { throw Program.Failure(description: "bind: errno \(errno)") }
    }

    deinit { close(descriptor) }

    /// The next message, or an empty one when none comes.
    func receive() -> String {
      var buffer = [UInt8](repeating: 0, count: 4_096)
      let count = uninterrupted { recv(descriptor, &buffer, buffer.count, 0) }
      return String(decoding: buffer[..<max(0, count)], as: UTF8.self)
    }
  }
#endif
