import TestTaskProto
import TestTaskTestSupport
import Testing
import UVNetTestKit

/// The real server behind peers that speak the PROXY protocol.
@Suite struct ProxyProtocolTests {
  private static let fast: [UInt8] = [2, 0x1A, 0]
  private static let line = Array("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25555\r\n".utf8)
  private static let start: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
  private static let binary: [UInt8] =
    start + [0x21, 0x21, 0, 36] + [0x20, 1, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1]
    + Array(repeating: 0, count: 16) + [0, 80, 0x63, 0xD3]
  private static let local: [UInt8] = start + [0x20, 0, 0, 0]

  private func start(_ more: String = "") throws -> RunningServer {
    try RunningServer("[server]\nproxy_protocol = yes\n\(more)")
  }

  @Test func `the log has the client, and the proxy it came by`() throws {
    let server = try start()
    let expected = [
      (Self.line, " peer=192.0.2.1:56324 via=127.0.0.1:"),
      (Self.binary, " peer=[2001:db8::1]:80 via=127.0.0.1:"),
    ]
    for (number, (header, peer)) in expected.enumerated() {
      let client = try server.connect()
      // In one piece with a request, as a proxy that has data sends it.
      try client.send(header + Self.fast)
      #expect(try client.receiveMessage().isFastResponse)
      try client.send(.fast)
      #expect(try client.receiveMessage().isFastResponse)
      client.shutdownWrite()
      #expect(try client.receiveToEnd().isEmpty)
      let connect = try server.logLines(containing: "event=connect", count: number + 1)
      let disconnect = try server.logLines(containing: "event=disconnect", count: number + 1)
      #expect(connect[number].contains(peer), "\(connect[number])")
      #expect(disconnect[number].contains(peer), "\(disconnect[number])")
      #expect(
        disconnect[number].contains(" reason=eof ")
          && disconnect[number].contains(" requests=2 rx_bytes=\(header.count + 6) "))
    }
    #expect(try server.terminate() == .exit(0))
  }

  @Test func `a header byte by byte is read, and nobody is in the log before its end`() throws {
    let server = try start()
    let client = try server.connect()
    for byte in Self.binary.dropLast() { try client.send([byte]) }
    let other = try server.connect()
    try other.send(Self.line + Self.fast)
    #expect(try other.receiveMessage().isFastResponse)
    #expect(try server.logLines(containing: "event=connect").count == 1)
    try client.send(Self.binary.suffix(1) + Self.fast)
    #expect(try client.receiveMessage().isFastResponse)
    let lines = try server.logLines(containing: "event=connect", count: 2)
    // The one that came first is the first.
    #expect(lines[0].contains(" conn=2 ") && lines[1].contains(" conn=1 peer=[2001:db8::1]:80 "))
  }

  @Test func `a proxy's own connection and one of nobody it knows are the proxy's`() throws {
    let server = try start()
    for header in [Self.local, Array("PROXY UNKNOWN\r\n".utf8)] {
      let client = try server.connect()
      try client.send(header + Self.fast)
      #expect(try client.receiveMessage().isFastResponse)
    }
    let lines = try server.logLines(containing: "event=connect", count: 2)
    #expect(lines.allSatisfy { $0.contains(" peer=127.0.0.1:") && !$0.contains("via=") })
  }

  @Test func `bytes that are no header, and half of one, are violations`() throws {
    let server = try start()
    let bad = [
      Self.fast, Array("PROXY TCP4 1.2.3.4\r\n".utf8), Array(Self.line.prefix(20)),
      Array(Self.start) + [0x31, 0, 0, 0],
    ]
    for (number, bytes) in bad.enumerated() {
      let client = try server.connect()
      try client.send(bytes)
      client.shutdownWrite()
      #expect(try client.receiveToEnd().isEmpty)
      let line = try server.logLines(containing: "event=disconnect", count: number + 1)[number]
      #expect(
        line.contains(" peer=127.0.0.1:") && line.contains(" reason=violation ")
          && line.contains(" violation=malformedProxyHeader offset=0 error="), "\(line)")
    }
    #expect(try server.logLines(containing: "event=connect", count: bad.count).count == bad.count)
  }

  @Test func `a peer that says nothing is given up in time, and one that leaves is no violation`()
    throws
  {
    let server = try start("proxy_timeout_seconds = 1\n")
    let silent = try server.connect()
    let slow = try server.connect()
    try slow.send(Array(Self.line.prefix(10)))
    let gone = try server.connect()
    gone.shutdownWrite()
    for client in [silent, slow, gone] { #expect(try client.receiveToEnd().isEmpty) }
    let lines = try server.logLines(containing: "event=disconnect", count: 3)
    #expect(lines.count { $0.contains(" reason=handshake ") && $0.contains("ETIMEDOUT") } == 2)
    #expect(lines.count { $0.contains(" reason=eof ") } == 1)
  }

  @Test func `anybody but a proxy is a client of its own, and is believed nothing`() throws {
    let server = try start("proxy_from = 10.0.0.0/8 ::1\n")
    let plain = try server.connect()
    try plain.send(Self.fast)
    #expect(try plain.receiveMessage().isFastResponse)
    let liar = try server.connect()
    try liar.send(Self.binary)
    #expect(try liar.receiveToEnd().isEmpty)
    let line = try server.logLines(containing: "event=disconnect")[0]
    #expect(
      line.contains(" peer=127.0.0.1:") && !line.contains("via=")
        && line.contains(" reason=violation "), "\(line)")
    #expect(!line.contains("malformedProxyHeader"))
  }

  @Test func `a reload says who is a proxy from now on`() throws {
    let server = try start("proxy_from = 10.0.0.0/8\n")
    let before = try server.connect()
    try before.send(.fast)
    #expect(try before.receiveMessage().isFastResponse)
    try writeFile(
      server.folder.path + "/server.ini",
      "[server]\nproxy_protocol = yes\nproxy_from = 127.0.0.0/8\n")
    server.program.send(signal: SIGHUP)
    _ = try server.logLines(containing: "event=reload result=ok")
    let after = try server.connect()
    try after.send(Self.line + Self.fast)
    #expect(try after.receiveMessage().isFastResponse)
    try before.send(.fast)
    #expect(try before.receiveMessage().isFastResponse)
    let lines = try server.logLines(containing: "event=connect", count: 2)
    #expect(!lines[0].contains("via=") && lines[1].contains(" peer=192.0.2.1:56324 via=127.0.0.1:"))
  }

  @Test func `a peer on the Unix socket is a proxy where proxy_from says unix`() throws {
    for (from, isProxy) in [("unix", true), ("127.0.0.1", false)] {
      let folder = try TemporaryFolder()
      let path = folder.path + "/s"
      let server = try start("proxy_from = \(from)\nsocket = \(path)\n")
      // It listens there when a client by TCP is answered.
      let tcp = try server.connect()
      try tcp.send((isProxy ? [] : Self.line) + Self.fast)
      #expect(try tcp.receiveMessage().isFastResponse)
      let client = try RawSocket.connect(path: path)
      try client.send((isProxy ? Self.line : []) + Self.fast)
      #expect(try client.receiveMessage().isFastResponse)
      let line = try server.logLines(containing: "event=connect", count: 2)[1]
      let own = "unix:pid=\(getpid()),uid=\(geteuid())"
      #expect(line.contains(isProxy ? " peer=192.0.2.1:56324 via=\(own) " : " peer=\(own) "))
    }
  }

  @Test func `peers before their headers do not hold a drain up`() throws {
    let server = try start()
    let silent = try server.connect()
    let served = try server.connect()
    try served.send(Self.line + Self.fast)
    #expect(try served.receiveMessage().isFastResponse)
    #expect(try server.terminate() == .exit(0))
    let lines = try server.logLines(containing: "event=disconnect", count: 2)
    #expect(lines.allSatisfy { $0.contains(" reason=shutdown ") })
    withExtendedLifetime(silent) {}
  }
}

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif
