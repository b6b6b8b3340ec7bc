import Testing
import UVNet
import UVNetTestKit

@Suite struct AsyncNameTests {
  @Test func `a name is connected to, and one without a server tells of each address`() async throws
  {
    try await AsyncHarness.run { loop in
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let port = listener.localAddress.port
      for host in ["localhost", "127.0.0.1"] {
        let connection = try await TCPConnection.connect(host: host, port: port, on: loop)
        #expect(connection.remoteAddress == listener.localAddress)
        connection.close()
        try await listener.accept()?.close()
      }
      listener.close()
      let error = await #expect(throws: UVError.self) {
        try await TCPConnection.connect(host: "localhost", port: port, on: loop).close()
      }
      #expect(error?.detail?.contains("127.0.0.1:\(port): connection refused") == true)
    }
  }

  @Test func `cancelling the task gives an attempt and a look-up up`() async throws {
    try await AsyncHarness.run { loop in
      let hole = try SilentListener()
      let connecting = loop.task {
        let port = hole.address.port
        try await TCPConnection.connect(host: "127.0.0.1", port: port, on: loop, timeout: nil)
          .close()
      }
      let lookingUp = loop.task {
        _ = try await Resolver.resolve("localhost", service: "1", on: loop)
      }
      connecting.cancel()
      lookingUp.cancel()
      for result in [await connecting.result, await lookingUp.result] {
        let error = #expect(throws: UVError.self) { try result.get() }
        #expect(error?.code == .canceled)
      }
      let addresses = try await Resolver.resolve("::1", service: "80", on: loop)
      #expect(addresses.map(\.description) == ["[::1]:80"])
      withExtendedLifetime(hole) {}
    }
  }
}
