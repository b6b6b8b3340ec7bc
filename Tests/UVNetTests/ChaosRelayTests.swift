import Testing
import UVNet
import UVNetTestKit

@Suite struct ChaosRelayTests {
  /// Sends `count` bytes through a relay to an echo server and back.
  private func echo(
    _ count: Int, seed: UInt64, faults: ChaosRelay.Faults
  ) throws -> (received: [UInt8], counts: [ChaosRelay.Fault: Int], reason: CloseReason?) {
    var received: [UInt8] = []
    var counts: [ChaosRelay.Fault: Int] = [:]
    var reason: CloseReason?
    try LoopHarness.run { loop, _ in
      let server = try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) {
        _, connection in
        connection.start(.init(onData: { connection, bytes in try? connection.write(bytes) }))
      }
      let relay = try ChaosRelay(to: server.localAddress, on: loop, seed: seed, faults: faults)
      TCPConnection.connect(to: relay.address, on: loop) { result in
        guard let connection = try? result.get() else { return }
        connection.start(
          .init(
            onData: { connection, bytes in
              received += bytes.array
              if received.count == count { connection.shutdown() }
            },
            onClose: { _, closeReason in
              reason = closeReason
              counts = relay.counts
              #expect("\(relay)".hasPrefix("ChaosRelay seed \(seed), 1 connections"))
              relay.close()
              server.close()
            }))
        try? connection.write((0..<count).map { UInt8(truncatingIfNeeded: $0 >> 8 ^ $0) })
      }
    }
    return (received, counts, reason)
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `delays, splits and merges lose nothing`(seed: UInt64) throws {
    let sent = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 >> 8 ^ $0) }
    let result = try echo(
      50_000, seed: seed, faults: .init(longestDelay: .milliseconds(1), largestPiece: 2000))
    #expect(result.received == sent)
    #expect(result.reason == .peer)
    #expect(result.counts.isEmpty)
  }

  @Test func `a seed does the same again`() throws {
    let faults = ChaosRelay.Faults(
      longestDelay: .milliseconds(1), largestPiece: 500, bytesBetweenFaults: 3000,
      kinds: [.corrupt])
    let first = try echo(20_000, seed: 42, faults: faults)
    let second = try echo(20_000, seed: 42, faults: faults)
    #expect((first.counts[.corrupt] ?? 0) > 0)
    #expect(first.received.count == 20_000)
    #expect(first.received == second.received)
  }

  @Test(arguments: [ChaosRelay.Fault.cut, .reset])
  func `a cut and a reset end the connection early`(fault: ChaosRelay.Fault) throws {
    let result = try echo(
      50_000, seed: 7,
      faults: .init(largestPiece: 500, bytesBetweenFaults: 5000, kinds: [fault]))
    #expect(result.received.count < 50_000)
    #expect((result.counts[fault] ?? 0) >= 1)
  }
}
