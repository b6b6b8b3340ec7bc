import UVNet
import UVNetTLS

/// The text of `--version`.
public enum ProgramVersion {
  /// The version of this package; see CHANGELOG.md.
  public static let number = "0.1.0"

  /// The versions of a program, of libuv (header and run time) and of Swift, a line each.
  public static func text(of program: String, tls: String? = tlsLibrary) -> String {
    """
    \(program) \(number)
    libuv \(EventLoop.builtWithLibuv), running \(EventLoop.runningLibuv)
    \(tls ?? "without TLS")
    Swift \(swift)
    """
  }

  /// The library that speaks TLS, with its version; `nil` for a program that was built without.
  public static var tlsLibrary: String? {
    #if TLS
      OpenSSL.version
    #else
      nil
    #endif
  }

  /// The compiler's version.
  public static var swift: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }
}
