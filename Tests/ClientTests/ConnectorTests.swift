import TestTaskClientCore
import Testing
import UVNet
import UVNetTestKit

@testable import TestTaskClient

@Suite struct ConnectorTests {
  private func name(_ event: NetworkEvent, of target: Target? = nil) -> String {
    switch event {
    case .connected: "connected"
    case .connectFailed(let failure): "failed: \(target.map(failure.reason) ?? "")"
    case .ended: "ended"
    case .lost(let cause): "lost: \(cause.reason)"
    }
  }

  /// Runs a connector to its end; `body` gets it with two servers.
  private func run(
    expecting events: [String],
    onEvent: @escaping (Connector, NetworkEvent) -> Void = { _, _ in },
    _ body: (Connector, Target, Target) throws -> Void
  ) throws {
    let servers = [try RawSocket.listen(), try RawSocket.listen()]
    let targets = servers.map { Target(host: "127.0.0.1", port: $0.port) }
    try LoopHarness.run { loop, calls in
      calls.expect(events)
      var connector: Connector?
      let made = Connector(
        on: loop,
        onEvent: { event in
          calls.record(name(event))
          if let connector { onEvent(connector, event) }
        }, onData: { _ in calls.record("data") })
      connector = made
      try body(made, targets[0], targets[1])
      // Longer than a connection on loopback takes, but for that nothing depends on it.
      LoopTimer.after(.milliseconds(100), on: loop) { _ in connector = nil }
    }
  }

  @Test("nothing is heard of an attempt that was closed")
  func closedAttempt() throws {
    try run(expecting: []) { connector, address, _ in
      connector.connect(to: address, timeout: .seconds(5))
      connector.close()
    }
  }

  @Test("an attempt that gives way to another leaves that one alone")
  func secondAttempt() throws {
    try run(expecting: ["connected"], onEvent: { connector, _ in connector.close() }) {
      connector, first, second in
      connector.connect(to: first, timeout: .seconds(5))
      connector.connect(to: second, timeout: .seconds(5))
    }
  }

  @Test(
    "an end, an end that the request crosses and a reset are one cause",
    arguments: ["end", "crossed", "reset"])
  func endings(how: String) throws {
    try LoopHarness.run { loop, calls in
      let server = try RawSocket.listen()
      var connector: Connector?
      let made = Connector(
        on: loop,
        onEvent: { event in
          calls.record(name(event))
          guard case .connected = event else {
            connector?.close()
            return connector = nil
          }
          if how == "crossed" { connector?.send([0x02, 0x1A, 0x00]) }
          // On a later turn, so that what was sent is there, and nobody reads it.
          loop.nextTick {
            guard let peer = try? server.accept() else { return calls.record("no connection") }
            if how == "reset" { peer.reset() } else { peer.close() }
          }
        }, onData: { _ in calls.record("data") })
      connector = made
      made.connect(to: Target(host: "127.0.0.1", port: server.port), timeout: .seconds(5))
      // The session calls an end of the stream so too, unless it is inside an answer.
      calls.expect(["connected", how == "end" ? "ended" : "lost: closed by the server"])
    }
  }

  @Test("nothing is heard of a connection that was closed, though another is being made")
  func closedConnection() throws {
    var connections = 0
    var second: Target?
    try run(
      expecting: ["connected", "connected"],
      onEvent: { connector, _ in
        connections += 1
        connector.close()
        if connections == 1, let second { connector.connect(to: second, timeout: .seconds(5)) }
      }
    ) { connector, first, other in
      second = other
      connector.connect(to: first, timeout: .seconds(5))
    }
  }

  @Test("a name is looked up, and a failure tells of each address or of the look-up")
  func byName() throws {
    try run(expecting: ["connected"], onEvent: { connector, _ in connector.close() }) {
      connector, server, _ in
      connector.connect(to: Target(host: "localhost", port: server.port), timeout: .seconds(5))
    }
    let nobody = try RawSocket.listen().port
    var reasons: [String] = []
    for target in [Target(host: "localhost", port: nobody), Target(host: "a.b.invalid.", port: 1)] {
      try LoopHarness.run { loop, _ in
        var connector: Connector?
        connector = Connector(
          on: loop,
          onEvent: { event in
            reasons.append(name(event, of: target))
            connector = nil
          }, onData: { _ in })
        connector?.connect(to: target, timeout: .seconds(5))
      }
    }
    #expect(reasons.count == 2)
    #expect(reasons.first?.contains("127.0.0.1:\(nobody): connection refused") == true)
    #expect(reasons.last?.hasPrefix("failed: looking up a.b.invalid.: ") == true)
  }
}
