/// What a daemon's settings say of TLS.
package struct TLSSettings: Equatable, Sendable {
  /// The oldest version of TLS that is spoken.
  package enum MinimumVersion: String, CaseIterable, Sendable {
    case v1_2 = "1.2"
    case v1_3 = "1.3"
  }

  /// The file of the daemon's certificate with its chain, in PEM format.
  package var certificate: String
  /// The file of the certificate's key, in PEM format.
  package var key: String
  /// The file of the authorities that clients' certificates must be from; `nil` when clients need none.
  package var clientCA: String?
  package var minimumVersion = MinimumVersion.v1_2
  package var handshakeTimeout = Duration.seconds(10)

  package init(certificate: String, key: String, clientCA: String? = nil) {
    (self.certificate, self.key, self.clientCA) = (certificate, key, clientCA)
  }

  /// How it protects a listening socket.
  package var exposure: Exposure { clientCA == nil ? .encrypted : .authenticated }
}
