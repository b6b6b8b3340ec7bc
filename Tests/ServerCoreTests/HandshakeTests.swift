import TestTaskDaemonSupport
import TestTaskProgramBasics
import Testing

@testable import TestTaskServerCore

/// Clients that have a handshake before them.
@Suite struct HandshakeTests {
  private static let session = SecuredSession(
    version: "1.3", cipher: "TLS_AES_256_GCM_SHA384", subject: "CN=client")

  private func core() -> ServerCore { ServerCore(Configuration(), descriptorRoom: 100) }

  private func connect(_ core: inout ServerCore) throws -> Int {
    let place = core.connected(peer: "peer", opening: .handshake, at: 0)
    return try #require(place)
  }

  /// What the log and the shell are told, in short.
  private func takeActions(_ core: inout ServerCore) -> [String] {
    var actions: [String] = []
    while !core.actions.isEmpty {
      switch core.actions.removeFirst() {
      case .log(_, .connect(let number, _, _, let clients)):
        actions.append("connect \(number) of \(clients)")
      case .serve(_, .securedConnect(let number, _, _, let clients, let session)):
        actions.append("secured connect \(number) of \(clients) by \(session.version)")
      case .leave(let departure):
        actions.append("leave \(departure.number): \(departure.reason), \(departure.ending)")
      default: break
      }
    }
    return actions
  }

  @Test func `the log has a client when its handshake is over, once`() throws {
    var core = core()
    let place = try connect(&core)
    #expect(core.clientCount == 1)
    #expect(takeActions(&core) == [])
    core.secured(place, Self.session)
    core.secured(place, Self.session)
    #expect(takeActions(&core) == ["secured connect 1 of 1 by 1.3"])
    core.closed(place, .ended, unsent: 0, at: 0)
    #expect(takeActions(&core) == ["leave 1: eof, done"])
    core.secured(place, Self.session)
    #expect(takeActions(&core) == [])
    #expect(core.isConsistent)
  }

  @Test func `a client that was cut off over TLS has a reason of its own, half a frame or not`()
    throws
  {
    let failure = ConnectionEnd.Failure(message: "cut off", description: "read: cut off")
    for bytes: [UInt8] in [[], [2]] {
      var core = core()
      let place = try connect(&core)
      core.secured(place, Self.session)
      _ = core.received(
        bytes.span.bytes, from: place, output: OutputState(unsent: 0, writable: 1000), at: 0)
      _ = takeActions(&core)
      core.closed(place, .truncated(failure), unsent: 0, at: 0)
      #expect(takeActions(&core) == ["leave 1: truncated, done"])
      #expect(core.isConsistent)
    }
  }

  @Test func `a handshake that fails has a line for the coming and one for the going`() throws {
    let failure = ConnectionEnd.Failure(message: "refused", description: "handshake: refused")
    for end in [
      ConnectionEnd.ended, .reset, .timedOut(failure), .truncated(failure), .failed(failure),
      .failed(nil),
    ] {
      var core = core()
      let place = try connect(&core)
      core.closed(place, end, unsent: 0, at: 0)
      #expect(takeActions(&core) == ["connect 1 of 1", "leave 1: handshake, done"])
      #expect(core.clientCount == 0 && core.isConsistent)
    }
  }

  @Test func `a drain closes clients in their handshakes at once, and ends when they are gone`()
    throws
  {
    var core = core()
    _ = try connect(&core)
    core.signalled(15, named: "SIGTERM", at: 0) { _ in Traffic() }
    #expect(takeActions(&core) == ["connect 1 of 1", "leave 1: shutdown, atOnce"])
    #expect(core.lingeringCount == 1)
    core.lingeringClosed()
    #expect(core.lingeringCount == 0 && core.isConsistent)
  }

  @Test func `clients in their handshakes count against the limit`() throws {
    var values = Configuration()
    values.maxConnections = 1
    var core = ServerCore(values, descriptorRoom: 100)
    let first = core.connected(peer: "peer", opening: .handshake, at: 0)
    let second = core.connected(peer: "peer", opening: .handshake, at: 0)
    #expect(first != nil && second == nil)
  }

  @Test func `settings of TLS that contradict each other are told`() {
    var values = Configuration()
    #expect(values.contradictions == [] && values.tls == nil)
    values.certificate = "a.pem"
    #expect(values.contradictions.count == 1)
    values.key = "a.key"
    #expect(values.contradictions == [] && values.tls?.clientCA == nil)
    values.clientCA = "ca.pem"
    #expect(values.contradictions == [] && values.tls?.clientCA == "ca.pem")
    values.key = "none"
    values.certificate = "none"
    #expect(values.contradictions.count == 1)
  }
}
