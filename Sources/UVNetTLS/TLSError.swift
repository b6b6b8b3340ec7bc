#if TLS
  public import UVNet

  extension UVError.Domain {
    /// TLS, with the codes of this module, such as `UVError.Code.certificateExpired`.
    public static let tls = UVError.Domain(rawValue: "tls") { code in
      guard let text = tlsCodes[code] else { return nil }
      return (name: text.name, meaning: text.meaning)
    }
  }

  extension UVError.Code {
    /// A certificate of the peer's chain is no longer valid.
    public static let certificateExpired = UVError.Code(rawValue: 1)
    /// A certificate of the peer's chain is not valid yet.
    public static let certificateNotYetValid = UVError.Code(rawValue: 2)
    /// The peer's chain ends at no authority that is trusted here.
    public static let unknownAuthority = UVError.Code(rawValue: 3)
    /// The peer's certificate is signed by its own key and is not trusted here.
    public static let selfSignedCertificate = UVError.Code(rawValue: 4)
    /// The peer's certificate is for another name or address.
    public static let wrongName = UVError.Code(rawValue: 5)
    /// A certificate of the peer's chain may not be used for this.
    public static let wrongPurpose = UVError.Code(rawValue: 6)
    /// A key or a signature in the peer's chain is too weak.
    public static let weakCertificate = UVError.Code(rawValue: 7)
    /// A certificate of the peer's chain has been revoked.
    public static let certificateRevoked = UVError.Code(rawValue: 8)
    /// The peer's certificate cannot be relied on for another reason, which the detail names.
    public static let certificateInvalid = UVError.Code(rawValue: 9)
    /// The peer has shown no certificate, and has to.
    public static let certificateMissing = UVError.Code(rawValue: 10)
    /// The two sides have no version of TLS in common.
    public static let noCommonVersion = UVError.Code(rawValue: 11)
    /// The two sides have no cipher, group or signature algorithm in common.
    public static let noCommonCipher = UVError.Code(rawValue: 12)
    /// The two sides have no application protocol (ALPN) in common.
    public static let noCommonApplicationProtocol = UVError.Code(rawValue: 13)
    /// What came is not TLS.
    public static let notTLS = UVError.Code(rawValue: 14)
    /// The peer broke the rules of TLS, or bytes were changed on the way.
    public static let protocolViolation = UVError.Code(rawValue: 15)
    /// The peer's stream ended without its `close_notify`: something may be missing.
    public static let truncated = UVError.Code(rawValue: 16)
    /// The peer has refused: the detail has the alert that it sent.
    public static let refusedByPeer = UVError.Code(rawValue: 17)
    /// The peer asks for more than is reasonable, such as one new key after another.
    public static let excessive = UVError.Code(rawValue: 18)
    /// A certificate, a key or a list of authorities of this side's cannot be used.
    public static let badCredentials = UVError.Code(rawValue: 19)
  }

  private let tlsCodes: [Int32: (name: String, meaning: String)] = [
    1: ("CERTIFICATE_EXPIRED", "the certificate has expired"),
    2: ("CERTIFICATE_NOT_YET_VALID", "the certificate is not valid yet"),
    3: ("UNKNOWN_AUTHORITY", "the certificate is of an authority that is not trusted"),
    4: ("SELF_SIGNED", "the certificate is signed by itself and is not trusted"),
    5: ("WRONG_NAME", "the certificate is for another name"),
    6: ("WRONG_PURPOSE", "the certificate may not be used for this"),
    7: ("WEAK_CERTIFICATE", "the certificate has a key or a signature that is too weak"),
    8: ("CERTIFICATE_REVOKED", "the certificate has been revoked"),
    9: ("CERTIFICATE_INVALID", "the certificate is invalid"),
    10: ("CERTIFICATE_MISSING", "the peer has shown no certificate"),
    11: ("NO_COMMON_VERSION", "no version of TLS in common"),
    12: ("NO_COMMON_CIPHER", "no cipher in common"),
    13: ("NO_COMMON_APPLICATION_PROTOCOL", "no application protocol in common"),
    14: ("NOT_TLS", "the peer does not speak TLS"),
    15: ("PROTOCOL_VIOLATION", "the rules of TLS were broken"),
    16: ("TRUNCATED", "the stream ended without close_notify"),
    17: ("REFUSED_BY_PEER", "the peer has refused"),
    18: ("EXCESSIVE", "the peer asks for too much"),
    19: ("BAD_CREDENTIALS", "the certificate or key cannot be used"),
  ]
#endif
