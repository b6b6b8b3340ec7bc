import TestTaskProgramBasics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Reports the program's state to the service manager, by the protocol of sd_notify(3).
///
/// Messages arrive in their order. While the manager's socket is full they wait here, and
/// ``sendWaiting()`` tries again: if `READY=1` were lost, the manager would think that the service does
/// not start. Without a socket nothing is sent.
package final class ServiceNotifier {
  private let path: [UInt8]
  private var waiting: [String] = []
  private var failedAttempts = 0
  /// Called when messages begin to wait: ``sendWaiting()`` should be called a little later.
  package var onWaiting: () -> Void = {}

  /// After this number of failed attempts the waiting messages are dropped: the manager does not read.
  private static let mostAttempts = 600
  /// Above this number the oldest message is dropped: the last state matters.
  private static let mostWaiting = 64

  /// - Parameter socket: Where the service manager listens, as in `NOTIFY_SOCKET`.
  package init(socket: String? = environment("NOTIFY_SOCKET")) {
    let text = socket ?? ""
    // "@" stands for the zero byte that begins an abstract address.
    path = text.hasPrefix("@") ? [0] + text.utf8.dropFirst() : Array(text.utf8)
  }

  /// Whether a service manager listens.
  package var isEnabled: Bool { !path.isEmpty }

  /// Whether messages wait for room in the manager's socket.
  package var isWaiting: Bool { !waiting.isEmpty }

  /// Sends assignments, one a line, after all that were sent before.
  package func send(_ assignments: String) {
    guard isEnabled else { return }
    let wasWaiting = isWaiting
    // Of two states that wait, only the newer one matters.
    if assignments.hasPrefix("STATUS=") { waiting.removeAll { $0.hasPrefix("STATUS=") } }
    waiting.append(assignments)
    if waiting.count > Self.mostWaiting { waiting.removeFirst() }
    guard !wasWaiting else { return }
    sendWaiting()
    if isWaiting { onWaiting() }
  }

  /// Sends the messages that wait, as many as there is room for.
  ///
  /// A message that cannot be sent for another reason is dropped. All that wait are dropped when there was
  /// no room at too many attempts.
  package func sendWaiting() {
    while let message = waiting.first {
      guard transmit(message) else {
        failedAttempts += 1
        if failedAttempts >= Self.mostAttempts { break }
        return
      }
      failedAttempts = 0
      waiting.removeFirst()
    }
    (waiting, failedAttempts) = ([], 0)
  }

  /// - Returns: False if it should be tried again; true if it was sent or can never be.
  private func transmit(_ message: String) -> Bool {
    #if os(Linux)
      let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    #else
      let kind = SOCK_DGRAM
    #endif
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let room = MemoryLayout.size(ofValue: address.sun_path)
    guard path.count < room else { return true }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
    let length = socklen_t(MemoryLayout<sockaddr_un>.size - room + path.count)
    let descriptor = socket(AF_UNIX, kind, 0)
    guard descriptor >= 0 else { return !Self.isPassing(errno) }
    defer { close(descriptor) }
    let bytes = Array(message.utf8)
    let sent = unsafe withUnsafePointer(to: address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe sendto(descriptor, bytes, bytes.count, Int32(MSG_DONTWAIT), $0, length)
      }
    }
    return sent >= 0 || !Self.isPassing(errno)
  }

  /// Whether an error only means that there is no room now.
  private static func isPassing(_ code: Int32) -> Bool {
    [EAGAIN, EWOULDBLOCK, EINTR, ENOBUFS, ENOMEM, EMFILE, ENFILE].contains(code)
  }
}
