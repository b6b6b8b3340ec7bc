#if TLS
  internal import UVNet

  #if canImport(Glibc)
    internal import Glibc
  #elseif canImport(Darwin)
    internal import Darwin
  #endif

  /// A file of keys in the format of `SSLKEYLOGFILE`, for Wireshark and the like.
  final class KeyLog: Sendable {
    private let descriptor: Int32

    init(_ path: String) throws(UVError) {
      descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else {
        throw UVError(UVError.Code(rawValue: -errno), during: .open, detail: path)
      }
    }

    deinit { close(descriptor) }

    /// Appends a line in one piece; one that the disk does not take is lost.
    func append(_ line: UnsafePointer<CChar>) {
      let count = unsafe strlen(line)
      var bytes = unsafe Array(UnsafeRawBufferPointer(start: line, count: count))
      bytes.append(UInt8(ascii: "\n"))
      _ = unsafe bytes.withUnsafeBytes { unsafe write(descriptor, $0.baseAddress, $0.count) }
    }
  }
#endif
