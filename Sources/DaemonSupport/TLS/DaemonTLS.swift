internal import TestTaskProgramBasics
package import UVNet
internal import UVNetTLS

/// TLS for a daemon's clients, with the certificates that are in force.
package struct DaemonTLS {
  #if TLS
    private let context: TLSServerContext
  #endif

  /// Why TLS cannot be spoken, in one line.
  package struct Failure: Error, Equatable, CustomStringConvertible {
    package let description: String

    init(_ reason: String) { description = "cannot speak TLS: \(reason)" }
  }

  /// Reads the files that the settings name; `nil` when there are no such settings.
  package init?(_ settings: TLSSettings?) throws(Failure) {
    guard let settings else { return nil }
    #if TLS
      do throws(UVError) {
        var options = TLSServerOptions(
          identity: try TLSIdentity(certificateFile: settings.certificate, keyFile: settings.key))
        if let path = settings.clientCA {
          options.clientCertificates = .required(try .certificateFile(path))
        }
        options.minimumVersion = settings.minimumVersion == .v1_3 ? .v1_3 : .v1_2
        options.handshakeTimeout = settings.handshakeTimeout
        context = try TLSServerContext(options)
      } catch {
        let detail = (error.detail ?? error.message).escapedForTerminal
        throw Failure(error.domain == .tls ? detail : "\(detail): \(error.message)")
      }
    #else
      throw Failure("this program was built without it")
    #endif
  }

  /// Has a connection speak TLS.
  ///
  /// The completion is called later with what was agreed on; with `nil` after the close, when there was
  /// no agreement.
  package func secure(
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
