import Testing
import UVNet
import UVNetTestKit

/// Runs the code in documentation comments on proxies.
@Suite struct ProxyCommentTests {
  private let bytes = Array("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25555\r\n".utf8)

  @Test func `a header in bytes`() throws {
    let bytes = bytes.span.bytes
    let decoder = ProxyHeaderDecoder()
    switch try decoder.decode(bytes) {
    case .frame(let header, let consumed):
      print("client \(header.source?.description ?? "unknown"), \(consumed) bytes")
    case .needs: print("not whole yet")
    }
  }

  @Test func `a header of a connection`() throws {
    try LoopHarness.run { loop, calls in
      let address = SocketAddress(.loopback, port: 0)
      let echo = TCPConnection.Handlers(onData: { connection, bytes in
        try? connection.write(bytes)
      })
      let proxies = [IPNetwork(.loopback)]
      let listener = try TCPListener.listen(at: address, on: loop) { _, connection in
        guard let peer = connection.remoteAddress,
          proxies.contains(where: { $0.contains(peer.address) })
        else { return connection.close() }
        connection.readProxyHeader(within: .seconds(5)) { result in
          guard case .success(let header) = result else { return }
          print("client \(header.source?.description ?? "unknown") by way of \(peer)")
          connection.start(echo)
        }
      }
      TCPConnection.connect(to: listener.localAddress, on: loop) { [bytes] result in
        guard let proxy = try? result.get() else { return loop.end() }
        try? proxy.write(bytes + Array("echo".utf8))
        proxy.start(
          .init(onData: { _, bytes in
            calls.record(String(decoding: bytes))
            loop.end()
          }))
      }
      calls.expect(["echo"])
    }
  }
}
