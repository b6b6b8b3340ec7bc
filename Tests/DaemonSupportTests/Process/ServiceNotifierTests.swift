import TestTaskTestSupport
import TestTaskDaemonSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct ServiceNotifierTests {
  @Test func `without a socket nothing is sent, and one that is gone or too long is no matter`() {
    for (socket, isEnabled) in [
      (nil, false), ("", false), ("/nonexistent/notify", true),
      (String(repeating: "x", count: 1_000), true),
    ] {
      let notifier = ServiceNotifier(socket: socket)
      #expect(notifier.isEnabled == isEnabled)
      notifier.send("READY=1")
    }
  }

  /// A service manager's socket.
  private struct Manager {
    let descriptor: Int32

    init(_ path: String) throws {
      #if os(Linux)
        descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      #else
        descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
      #endif
      var address = sockaddr_un()
      address.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
      let status = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
      try #require(status == 0)
    }

    /// The next message; nil if there is none.
    func receive() -> String? {
      var buffer = [UInt8](repeating: 0, count: 100)
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
    }
  }

  @Test func `an assignment reaches the socket in one message`() throws {
    let folder = try TemporaryFolder()
    let manager = try Manager(folder.path + "/notify")
    defer { close(manager.descriptor) }
    ServiceNotifier(socket: folder.path + "/notify").send("RELOADING=1\nMONOTONIC_USEC=7")
    #expect(manager.receive() == "RELOADING=1\nMONOTONIC_USEC=7")
  }

  @Test func `while the socket is full messages wait, and arrive in their order`() throws {
    let folder = try TemporaryFolder()
    let manager = try Manager(folder.path + "/notify")
    defer { close(manager.descriptor) }
    // Somebody else's messages that the manager has not read yet.
    let other = ServiceNotifier(socket: folder.path + "/notify")
    var others = 0
    while !other.isWaiting, others < 10_000 {
      other.send("other")
      others += 1
    }
    let notifier = ServiceNotifier(socket: folder.path + "/notify")
    var calls = 0
    notifier.onWaiting = { calls += 1 }
    for message in ["READY=1", "STATUS=old", "RELOADING=1", "STATUS=new", "READY=1"] {
      notifier.send(message)
    }
    #expect(notifier.isWaiting && calls == 1)
    notifier.sendWaiting()
    #expect(notifier.isWaiting, "there is still no room")
    for _ in 1..<others { #expect(manager.receive() == "other") }
    notifier.sendWaiting()
    #expect(!notifier.isWaiting)
    var messages: [String] = []
    while let message = manager.receive() { messages.append(message) }
    #expect(messages == ["READY=1", "RELOADING=1", "STATUS=new", "READY=1"])
  }

  @Test func `a manager that never reads is given up, and holds no memory`() throws {
    let folder = try TemporaryFolder()
    let manager = try Manager(folder.path + "/notify")
    defer { close(manager.descriptor) }
    let notifier = ServiceNotifier(socket: folder.path + "/notify")
    for number in 0..<20_000 { notifier.send("READY=\(number)") }
    #expect(notifier.isWaiting)
    for _ in 0..<1_000 { notifier.sendWaiting() }
    #expect(!notifier.isWaiting)
  }
}
