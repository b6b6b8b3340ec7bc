#if TLS
  internal import COpenSSL

  /// A version of TLS that may be spoken.
  public struct TLSVersion: Sendable, Hashable, Comparable, CustomStringConvertible {
    let number: Int32

    /// TLS 1.2, RFC 5246.
    public static let v1_2 = TLSVersion(number: TLS1_2_VERSION)
    /// TLS 1.3, RFC 8446.
    public static let v1_3 = TLSVersion(number: TLS1_3_VERSION)

    /// Whether `left` is older than `right`.
    public static func < (left: TLSVersion, right: TLSVersion) -> Bool {
      left.number < right.number
    }

    /// The name, such as `TLSv1.3`.
    public var description: String {
      switch self {
      case .v1_2: "TLSv1.2"
      case .v1_3: "TLSv1.3"
      default: "TLS(\(number))"
      }
    }
  }
#endif
