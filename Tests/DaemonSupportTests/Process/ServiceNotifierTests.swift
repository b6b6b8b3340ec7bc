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

  @Test func `an assignment reaches the socket in one message`() throws {
    let folder = try Folder()
    let path = folder.path + "/notify"
    #if os(Linux)
      let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    #else
      let descriptor = socket(AF_UNIX, SOCK_DGRAM, 0)
    #endif
    defer { close(descriptor) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0)
    ServiceNotifier(socket: path).send("RELOADING=1\nMONOTONIC_USEC=7")
    var buffer = [UInt8](repeating: 0, count: 100)
    let count = recv(descriptor, &buffer, buffer.count, 0)
    #expect(
      String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        == "RELOADING=1\nMONOTONIC_USEC=7")
  }
}
