@testable import TestTaskDaemonSupport

extension LogText {
  /// What was written, as text.
  var content: String {
    withBytes { bytes in bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) } }
  }
}
