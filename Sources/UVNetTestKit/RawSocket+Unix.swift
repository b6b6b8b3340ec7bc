internal import UVNet

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension RawSocket {
  /// Connects to a Unix socket.
  ///
  /// - Parameter path: The path of its file.
  /// - Returns: The connected socket.
  /// - Throws: The system's error, or what is wrong with the path.
  public static func connect(path: String) throws -> RawSocket {
    let connection = try RawSocket(adopting: unix())
    let status = unsafe try withAddress(path) { address, size in
      uninterrupted { unsafe systemConnect(connection.descriptor, address, size) }
    }
    guard status == 0 else { throw Failure.system("connect", errno) }
    return connection
  }

  /// Binds a Unix socket to a path, and listens.
  ///
  /// - Parameters:
  ///   - path: The path of its file, which stays when the socket is closed.
  ///   - backlog: Connections that the system holds; `nil` binds only.
  /// - Returns: A socket to ``accept()`` on.
  /// - Throws: The system's error, or what is wrong with the path.
  public static func listen(path: String, backlog: Int32? = 64) throws -> RawSocket {
    let listener = try RawSocket(adopting: unix())
    let status = unsafe try withAddress(path) { address, size in
      unsafe systemBind(listener.descriptor, address, size)
    }
    guard status == 0 else { throw Failure.system("bind", errno) }
    if let backlog, systemListen(listener.descriptor, backlog) != 0 {
      throw Failure.system("listen", errno)
    }
    return listener
  }

  /// Makes two Unix sockets that are connected to each other.
  ///
  /// - Returns: Both.
  /// - Throws: The system's error.
  public static func unixPair() throws -> (RawSocket, RawSocket) {
    var ends: [Int32] = [-1, -1]
    guard unsafe socketpair(AF_UNIX, streamType, 0, &ends) == 0 else {
      throw Failure.system("socketpair", errno)
    }
    return (try RawSocket(adopting: ends[0]), try RawSocket(adopting: ends[1]))
  }

  private static func unix() throws -> Int32 {
    let descriptor = socket(AF_UNIX, streamType, 0)
    guard descriptor >= 0 else { throw Failure.system("socket", errno) }
    return descriptor
  }

  private static func withAddress<R>(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R
  ) throws -> R {
    // Checks the length.
    _ = try UnixAddress(path: path)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
    return unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        unsafe body(pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }

  #if canImport(Darwin)
    private static var streamType: Int32 { SOCK_STREAM }
  #else
    private static var streamType: Int32 { Int32(SOCK_STREAM.rawValue) }
  #endif
}

// The C functions, where the class's own methods would hide them.
private func systemConnect(_ s: Int32, _ a: UnsafePointer<sockaddr>, _ l: socklen_t) -> Int32 {
  unsafe connect(s, a, l)
}
private func systemBind(_ s: Int32, _ a: UnsafePointer<sockaddr>, _ l: socklen_t) -> Int32 {
  unsafe bind(s, a, l)
}
private func systemListen(_ s: Int32, _ backlog: Int32) -> Int32 { listen(s, backlog) }
