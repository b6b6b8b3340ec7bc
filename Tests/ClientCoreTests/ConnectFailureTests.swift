import TestTaskClientCore
import Testing

@Suite struct ConnectFailureTests {
  private let address = Target(host: "127.0.0.1", port: 1)
  private let name = Target(host: "example.org", port: 1)
  private let socket = Target(host: "unix:/run/x", port: 1)

  @Test func `a failure to connect is the system's message, for a name with each address`() {
    let failure = ConnectFailure(.connect, "connection refused", detail: "127.0.0.1:1: …")
    for target in [address, socket] { #expect(failure.reason(for: target) == "connection refused") }
    #expect(failure.reason(for: name) == "connection refused: 127.0.0.1:1: …")
    #expect(ConnectFailure(.connect, "timed out").reason(for: name) == "timed out")
  }

  @Test func `a look-up that failed names what was looked up`() {
    let failure = ConnectFailure(.lookUp, "no such host", detail: "example.org")
    #expect(failure.reason(for: name) == "looking up example.org: no such host")
  }

  @Test func `a handshake that failed is of TLS, with all that is known`() {
    let failure = ConnectFailure(.handshake, "invalid argument", detail: "no name")
    for target in [address, name, socket] {
      #expect(failure.reason(for: target) == "TLS: invalid argument: no name")
      #expect(ConnectFailure(.handshake, "timed out").reason(for: target) == "TLS: timed out")
    }
  }

  @Test func `a certificate has to be for the host as the user named it`() throws {
    for (text, name) in [
      ("127.0.0.1:1", "127.0.0.1"), ("[::1]:1", "::1"), ("localhost:1", "localhost"),
      ("example.org", "example.org"),
    ] {
      #expect(try Target(reading: text, allowsNames: true).certificateName == name)
    }
    #expect(try Target(reading: "localhost", port: "1").certificateName == "localhost")
    #expect(socket.certificateName == nil)
  }
}
