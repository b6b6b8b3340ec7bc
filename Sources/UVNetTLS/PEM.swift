#if TLS
  internal import COpenSSL
  internal import UVNet

  #if canImport(Glibc)
    internal import Glibc
  #elseif canImport(Darwin)
    internal import Darwin
  #endif

  /// Certificates and keys in the text format of RFC 7468.
  enum PEM {
    /// Every certificate in `bytes`, each to be freed by the caller; at least one.
    ///
    /// What they are for is named in the error.
    static func certificates(
      in bytes: [UInt8], of what: String
    ) throws(UVError) -> [OpaquePointer] {
      let found: [OpaquePointer]? = unsafe withMemory(bytes) { bio in
        var found: [OpaquePointer] = unsafe []
        while let certificate = unsafe PEM_read_bio_X509(bio, nil, noPassword, nil) {
          unsafe found.append(certificate)
        }
        return unsafe found
      }
      let error = ERR_peek_last_error()
      ERR_clear_error()
      guard let found = unsafe found else { throw self.error("too long") }
      // The end of the text is an error of its own to OpenSSL.
      let isEnd =
        cssl_error_library(error) == ERR_LIB_PEM
        && cssl_error_reason(error) == PEM_R_NO_START_LINE
      guard unsafe isEnd && !found.isEmpty else {
        unsafe found.forEach { unsafe X509_free($0) }
        throw self.error(
          isEnd
            ? "there is no \(what) in PEM format"
            : "a \(what) cannot be read: \(TLSFailure.text(of: error) ?? "unknown")")
      }
      return unsafe found
    }

    /// Every list of revoked certificates in `bytes`, each to be freed by the caller; at least one.
    static func revocations(in bytes: [UInt8]) throws(UVError) -> [OpaquePointer] {
      let found: [OpaquePointer]? = unsafe withMemory(bytes) { bio in
        var found: [OpaquePointer] = unsafe []
        while let list = unsafe PEM_read_bio_X509_CRL(bio, nil, noPassword, nil) {
          unsafe found.append(list)
        }
        return unsafe found
      }
      ERR_clear_error()
      guard let found = unsafe found, unsafe !found.isEmpty else {
        throw error("there is no list of revoked certificates in PEM format")
      }
      return unsafe found
    }

    /// The private key in `bytes`, to be freed by the caller.
    static func privateKey(in bytes: [UInt8]) throws(UVError) -> OpaquePointer {
      let key: OpaquePointer?? = unsafe withMemory(bytes) { bio in
        unsafe PEM_read_bio_PrivateKey(bio, nil, noPassword, nil)
      }
      let error = ERR_peek_last_error()
      ERR_clear_error()
      if let key = unsafe key, let key = unsafe key { return unsafe key }
      let reason = cssl_error_reason(error)
      let library = cssl_error_library(error)
      if library == ERR_LIB_PEM, reason == PEM_R_BAD_PASSWORD_READ {
        throw self.error("the key is encrypted; decrypt it, for example with openssl pkey")
      }
      if !String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY-----") {
        throw self.error("there is no private key in PEM format")
      }
      throw self.error("the key cannot be read: \(TLSFailure.text(of: error) ?? "unsupported")")
    }

    /// The contents of a file of at most 1 MiB.
    ///
    /// It is opened without waiting: a pipe that nobody writes to is empty.
    static func contents(of path: String) throws(UVError) -> [UInt8] {
      func failure() -> UVError {
        UVError(UVError.Code(rawValue: -errno), during: .open, detail: path)
      }
      let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
      guard descriptor >= 0 else { throw failure() }
      defer { close(descriptor) }
      var bytes = [UInt8](repeating: 0, count: mostBytes + 1)
      var count = 0
      while count < bytes.count {
        let taken = unsafe bytes.withUnsafeMutableBytes { buffer in
          unsafe read(
            descriptor, buffer.baseAddress.unsafelyUnwrapped + count, buffer.count - count)
        }
        guard taken >= 0 else {
          if errno == EINTR { continue }
          throw failure()
        }
        guard taken > 0 else { break }
        count += taken
      }
      guard count <= mostBytes else { throw error("\(path): longer than 1 MiB") }
      return Array(bytes[..<count])
    }

    private static let mostBytes = 1 << 20

    /// A subject as RFC 2253 writes it, with what is no ASCII escaped.
    static func subject(of certificate: OpaquePointer) -> String {
      guard let memory = unsafe BIO_new(BIO_s_mem()) else { return "" }
      defer { unsafe BIO_free(memory) }
      guard unsafe cssl_print_subject(memory, certificate) >= 0 else { return "" }
      return unsafe withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 1) { buffer in
        let count = unsafe BIO_read(memory, buffer.baseAddress, Int32(buffer.count))
        return unsafe String(decoding: buffer.prefix(Int(max(count, 0))), as: UTF8.self)
      }
    }

    static func error(_ detail: String) -> UVError {
      TLSFailure.tls(.badCredentials, detail: detail, during: .initialize)
    }

    private static func withMemory<R>(_ bytes: [UInt8], _ body: (OpaquePointer) -> R) -> R? {
      unsafe bytes.withUnsafeBytes { bytes in
        guard let bio = unsafe cssl_memory(bytes.baseAddress, bytes.count) else { return nil }
        defer { unsafe BIO_free(bio) }
        return unsafe body(bio)
      }
    }
  }

  /// Without this OpenSSL asks at the terminal.
  private func noPassword(
    _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _ isForWriting: Int32,
    _ argument: UnsafeMutableRawPointer?
  ) -> Int32 { -1 }
#endif
