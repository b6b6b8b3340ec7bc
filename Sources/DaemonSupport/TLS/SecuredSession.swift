/// What a client and the server agreed on in a handshake, as the log has it.
package struct SecuredSession: Equatable, Sendable {
  /// The version of TLS, such as `1.3`.
  package let version: String
  /// The cipher, such as `TLS_AES_256_GCM_SHA384`.
  package let cipher: String
  /// The subject of the client's certificate, if it has shown one.
  package let subject: String?

  /// Puts a description together.
  package init(version: String, cipher: String, subject: String?) {
    (self.version, self.cipher, self.subject) = (version, cipher, subject)
  }
}
