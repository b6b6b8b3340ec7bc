#if TLS
  import COpenSSL
  import Testing

  @testable import UVNetTLS

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Darwin)
    import Darwin
  #endif

  extension TLSSession {
    /// Plays a peer that knows no newer version.
    func limitVersion(to version: TLSVersion) {
      withRaw { _ = cssl_set_highest_version($0, version.number) }
    }

    /// Asks the peer for a new key as well as sending one.
    func sendNewKey() {
      withRaw {
        SSL_key_update($0, SSL_KEY_UPDATE_REQUESTED)
        SSL_do_handshake($0)
      }
    }

    /// Gives the client another session.
    func sendTicket() {
      withRaw {
        SSL_new_session_ticket($0)
        SSL_do_handshake($0)
      }
    }
  }

  /// The text of a file of at most 64 KiB.
  func text(of path: String) -> String {
    var bytes = [UInt8](repeating: 0, count: 65536)
    let descriptor = open(path, O_RDONLY)
    let count = read(descriptor, &bytes, bytes.count)
    close(descriptor)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  /// Calls `body`, which must not throw; a macro would not do inside of another.
  func expectNoError(
    sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
  ) {
    do { try body() } catch { Issue.record("\(error)", sourceLocation: sourceLocation) }
  }
#endif
