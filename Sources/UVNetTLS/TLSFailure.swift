#if TLS
  internal import COpenSSL
  internal import UVNet

  /// What OpenSSL says of a failure, and the error that it means.
  enum TLSFailure {
    /// The error of a connection that failed.
    ///
    /// - Parameters:
    ///   - error: The first entry of OpenSSL's queue, 0 for none.
    ///   - verification: What checking the peer's chain gave, `X509_V_OK` for nothing wrong.
    ///   - subject: The subject of the certificate that was found wrong.
    ///   - operation: What was being done.
    /// - Returns: The error to tell.
    static func error(
      _ error: UInt, verification: Int, subject: String?, during operation: UVError.Operation
    ) -> UVError {
      let reason = cssl_error_reason(error)
      if reason == SSL_R_CERTIFICATE_VERIFY_FAILED, verification != X509_V_OK {
        let text = unsafe X509_verify_cert_error_string(verification).map {
          unsafe String(cString: $0)
        }
        return tls(
          code(ofVerification: verification),
          detail: [text, subject.map { "in \($0)" }].compactMap { $0 }.joined(separator: ", "),
          during: operation)
      }
      let code = code(ofReason: reason)
      let detail: String? =
        if code == .refusedByPeer {
          "alert \(reason - SSL_AD_REASON_OFFSET), \(alertName(reason - SSL_AD_REASON_OFFSET))"
        } else {
          text(of: error)
        }
      return tls(code, detail: detail, during: operation)
    }

    static func tls(
      _ code: UVError.Code, detail: String? = nil, during operation: UVError.Operation
    ) -> UVError {
      UVError(code, during: operation, domain: .tls, detail: detail)
    }

    /// What checking a chain of certificates has found.
    static func code(ofVerification result: Int) -> UVError.Code {
      switch Int32(truncatingIfNeeded: result) {
      case X509_V_ERR_CERT_HAS_EXPIRED: .certificateExpired
      case X509_V_ERR_CERT_NOT_YET_VALID: .certificateNotYetValid
      case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        .selfSignedCertificate
      case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
        X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
        .unknownAuthority
      case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .wrongName
      case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_INVALID_CA, X509_V_ERR_KEYUSAGE_NO_CERTSIGN,
        X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE:
        .wrongPurpose
      case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL, X509_V_ERR_CA_MD_TOO_WEAK:
        .weakCertificate
      case X509_V_ERR_CERT_REVOKED: .certificateRevoked
      default: .certificateInvalid
      }
    }

    /// What a reason of OpenSSL's means.
    static func code(ofReason reason: Int32) -> UVError.Code {
      switch reason {
      case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: .certificateMissing
      case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_WRONG_SSL_VERSION, SSL_R_VERSION_TOO_LOW,
        SSL_R_VERSION_TOO_HIGH, SSL_R_NO_PROTOCOLS_AVAILABLE, SSL_R_UNKNOWN_PROTOCOL,
        SSL_R_INAPPROPRIATE_FALLBACK, SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        .noCommonVersion
      case SSL_R_NO_SHARED_CIPHER, SSL_R_NO_SUITABLE_KEY_SHARE,
        SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM,
        SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, SSL_R_NO_SUITABLE_GROUPS:
        .noCommonCipher
      case SSL_R_NO_APPLICATION_PROTOCOL, SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
        .noCommonApplicationProtocol
      case SSL_R_WRONG_VERSION_NUMBER, SSL_R_HTTP_REQUEST, SSL_R_HTTPS_PROXY_REQUEST: .notTLS
      case SSL_R_UNEXPECTED_EOF_WHILE_READING: .truncated
      case SSL_R_TOO_MANY_WARN_ALERTS: .excessive
      case SSL_AD_REASON_OFFSET..<(SSL_AD_REASON_OFFSET + 256): .refusedByPeer
      default: .protocolViolation
      }
    }

    /// The names of RFC 8446, appendix B.2.
    static func alertName(_ alert: Int32) -> String {
      unsafe SSL_alert_desc_string_long(alert).map { unsafe String(cString: $0) } ?? "unknown"
    }

    /// OpenSSL's words for an entry of its queue.
    static func text(of error: UInt) -> String? {
      guard error != 0 else { return nil }
      return unsafe ERR_reason_error_string(error).map { unsafe String(cString: $0) }
    }

    /// Takes the first entry of OpenSSL's queue of this thread, and empties it.
    static func takeError() -> UInt {
      let first = ERR_get_error()
      ERR_clear_error()
      return first
    }
  }
#endif
