import UVNet

/// What `--version` says.
enum Version {
  /// Of this package; see CHANGELOG.md.
  static let number = "0.1.0"

  static var text: String {
    """
    testtask-server \(number)
    libuv \(EventLoop.builtWithLibuv), running \(EventLoop.runningLibuv)
    Swift \(swift)
    """
  }

  private static var swift: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }
}
