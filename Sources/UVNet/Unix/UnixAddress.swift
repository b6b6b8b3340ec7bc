internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The address of a Unix socket: the path of a file, or on Linux an abstract name.
///
/// See [unix(7)](https://man7.org/linux/man-pages/man7/unix.7.html). A path that does not begin
/// with `/` is relative to the working directory of the process that uses it.
public struct UnixAddress: Hashable, Sendable {
  /// The most bytes of a path or an abstract name, in UTF-8: 107 on Linux.
  public static let maximumLength = Int(CUV_UNIX_PATH_SIZE) - 1

  /// The path of the socket's file; `nil` for an abstract name.
  public let path: String?

  /// The abstract name, without the byte 0 before it; `nil` for a path.
  ///
  /// It is in no folder, has no mode, and disappears with its socket. Every process in the same
  /// network namespace may connect to it.
  public let abstractName: String?

  /// Takes a path.
  ///
  /// - Parameter path: 1 … ``maximumLength`` bytes, none of them 0.
  /// - Throws: ``SocketAddressError/emptyPath``, ``SocketAddressError/pathTooLong``,
  ///   ``SocketAddressError/invalidPath``.
  public init(path: String) throws(SocketAddressError) {
    try Self.check(path)
    guard !path.utf8.contains(0) else { throw SocketAddressError.invalidPath }
    self.path = path
    abstractName = nil
  }

  /// Takes an abstract name, which only Linux has.
  ///
  /// - Parameter abstractName: 1 … ``maximumLength`` bytes.
  /// - Throws: ``SocketAddressError/emptyPath``, ``SocketAddressError/pathTooLong``;
  ///   ``SocketAddressError/noAbstractNames`` on another system.
  public init(abstractName: String) throws(SocketAddressError) {
    #if !os(Linux)
      throw SocketAddressError.noAbstractNames
    #else
      try Self.check(abstractName)
      path = nil
      self.abstractName = abstractName
    #endif
  }

  /// Parses the path or, after `@`, the abstract name of a socket, with or without `unix:` before it.
  ///
  /// A file whose name begins with `@` is `./@name`.
  ///
  /// - Parameter text: `/run/server.sock`, `unix:server.sock`, `unix:@server`.
  /// - Throws: What is wrong with the text.
  public init(parsing text: String) throws(SocketAddressError) {
    let name = text.utf8.starts(with: Self.scheme.utf8) ? text.utf8.dropFirst(5) : text.utf8[...]
    if name.first == UInt8(ascii: "@") {
      try self.init(abstractName: String(Substring(name.dropFirst())))
    } else {
      try self.init(path: String(Substring(name)))
    }
  }

  private static let scheme = "unix:"

  private init(path: String?, abstractName: String?) {
    self.path = path
    self.abstractName = abstractName
  }

  private static func check(_ name: String) throws(SocketAddressError) {
    guard !name.isEmpty else { throw SocketAddressError.emptyPath }
    guard name.utf8.count <= maximumLength else { throw SocketAddressError.pathTooLong }
  }
}

extension UnixAddress: CustomStringConvertible {
  /// `unix:/run/server.sock`, or `unix:@server` for an abstract name; `unix:` for a socket without one.
  public var description: String {
    Self.scheme + (path ?? abstractName.map { "@" + $0 } ?? "")
  }
}

// MARK: - The system's form

extension UnixAddress {
  func withSockaddr<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    var storage = sockaddr_un()
    storage.sun_family = sa_family_t(AF_UNIX)
    // A path ends with a byte 0, an abstract name begins with one and ends with the size.
    let offset = abstractName == nil ? 0 : 1
    let name = path ?? abstractName ?? ""
    unsafe withUnsafeMutableBytes(of: &storage.sun_path) { place in
      for (index, byte) in name.utf8.prefix(place.count - 1).enumerated() {
        unsafe place[offset + index] = byte
      }
    }
    let size = Self.nameOffset + name.utf8.count + 1
    return unsafe withUnsafePointer(to: &storage) { storage in
      unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe body(address, socklen_t(size))
      }
    }
  }

  /// Where the name begins in the system's form.
  private static let nameOffset = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2

  /// Reads what a function such as `getsockname` fills in; `nil` when it fails, or for a socket of
  /// another kind.
  static func read(
    _ fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> UnixAddress? {
    var storage = sockaddr_un()
    var size = socklen_t(MemoryLayout<sockaddr_un>.size)
    let status = unsafe withUnsafeMutablePointer(to: &storage) { storage in
      unsafe storage.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        unsafe fill(address, &size)
      }
    }
    guard status == 0, storage.sun_family == sa_family_t(AF_UNIX) else { return nil }
    let count = min(max(0, Int(size) - nameOffset), Int(CUV_UNIX_PATH_SIZE))
    return unsafe withUnsafeBytes(of: &storage.sun_path) { place in
      let bytes = unsafe UnsafeRawBufferPointer(rebasing: place[..<count])
      guard let first = unsafe bytes.first else {
        return UnixAddress(path: nil, abstractName: nil)
      }
      guard first == 0 else {
        let name = unsafe bytes.prefix { $0 != 0 }
        return unsafe UnixAddress(
          path: String(decoding: name, as: UTF8.self), abstractName: nil)
      }
      let name = unsafe String(decoding: bytes.dropFirst(), as: UTF8.self)
      return UnixAddress(path: nil, abstractName: name)
    }
  }
}
