import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet
import UVNetTLS

/// TLS on the TCP port: the certificates that are in force.
struct ServerTLS {
  /// Whether clients have to show a certificate.
  let asksClients: Bool
  #if TLS
    private let context: TLSServerContext
  #endif

  /// Why TLS cannot be spoken, in one line.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// The library that speaks TLS, with its version; `nil` when the program was built without.
  static var library: String? {
    #if TLS
      OpenSSL.version
    #else
      nil
    #endif
  }

  /// Reads the files that the settings name; `nil` when they name none.
  init?(_ values: Configuration) throws(Failure) {
    guard let files = values.tlsFiles else { return nil }
    asksClients = files.clientCA != nil
    #if TLS
      do throws(UVError) {
        var options = TLSServerOptions(
          identity: try TLSIdentity(certificateFile: files.certificate, keyFile: files.key))
        if let path = files.clientCA {
          options.clientCertificates = .required(try .certificateFile(path))
        }
        options.minimumVersion = values.minimumTLSVersion == .v1_3 ? .v1_3 : .v1_2
        options.handshakeTimeout = .seconds(values.handshakeTimeoutSeconds)
        context = try TLSServerContext(options)
      } catch {
        let detail = (error.detail ?? error.message).escapedForTerminal
        let reason = error.domain == .tls ? detail : "\(detail): \(error.message)"
        throw Failure(description: "cannot speak TLS: \(reason)")
      }
    #else
      throw Failure(description: "cannot speak TLS: this testtask-server was built without it")
    #endif
  }

  /// Has a connection speak TLS.
  ///
  /// The completion is called later with what was agreed on; with `nil` after the close, when there was
  /// no agreement.
  func secure(
    _ connection: StreamConnection, _ completion: @escaping (SecuredSession?) -> Void
  ) {
    #if TLS
      connection.startTLS(context) { result in
        completion((try? result.get()).map { SecuredSession($0) })
      }
    #endif
  }
}

#if TLS
  extension SecuredSession {
    fileprivate init(_ agreement: TLSAgreement) {
      let version = agreement.version
      self.init(
        version: version.hasPrefix("TLSv") ? String(version.dropFirst(4)) : version,
        cipher: agreement.cipher, subject: agreement.peerSubject)
    }
  }
#endif
