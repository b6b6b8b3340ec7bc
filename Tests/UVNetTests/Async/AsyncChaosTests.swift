import Synchronization
import Testing
import UVNet
import UVNetTestKit

/// Tasks and a bad network, both by a seed.
///
/// `UVNET_CHAOS_SEED` repeats the chaos of another run, as far as threads let it: every run prints its
/// seed.
@Suite struct AsyncChaosTests {
  private static let seeds: [UInt64] =
    getenv("UVNET_CHAOS_SEED").flatMap { UInt64(String(cString: $0)) }.map { [$0] }
    ?? [1, .random(in: 2...9999)]

  @Test(arguments: seeds)
  func `ten thousand reads cancelled at random moments lose no byte, and each ends once`(
    seed: UInt64
  ) async throws {
    print("async chaos, cancelled reads: seed \(seed)")
    try await AsyncHarness.run(watchdog: .seconds(600)) { loop in
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let relay = try ChaosRelay(
        to: listener.localAddress, on: loop, seed: seed,
        faults: .init(longestDelay: .milliseconds(1), largestPiece: 700))
      let canceller = Canceller()
      defer { canceller.stop() }
      let (ended, canceled) = (Counter(), Counter())
      var random = SplitMix64(seed: seed)
      var readers: [Task<Void, any Error>] = []
      for _ in 0..<4 {
        let far = try await TCPConnection.connect(to: relay.address, on: loop)
        let near = try #require(try await listener.accept())
        let (sending, reading) = (random.next(), random.next())
        loop.task { try await Self.send(2_500 * 40, to: far, on: loop, seed: sending) }
        readers.append(
          loop.task {
            var random = SplitMix64(seed: reading)
            let stream = ReceivedStream(near)
            for _ in 0..<2_500 {
              let way = Int.random(in: 0..<5, using: &random)
              let size = Int.random(in: 1...80, using: &random)
              try await canceller.catchUp(on: loop)
              let reader = loop.task { try await stream.read(way, size) }
              if Bool.random(using: &random) { await Task.yield() }
              canceller.cancel(reader, after: .random(in: 0...30, using: &random))
              switch await reader.result {
              case .success: break
              case .failure(let error):
                #expect(error as? UVError == UVError(.canceled, during: .read), "seed \(seed)")
                canceled.value += 1
              }
              ended.value += 1
            }
            try await stream.readToEnd()
            #expect(stream.count == 2_500 * 40, "seed \(seed)")
            near.close()
          })
      }
      for reader in readers { try await reader.value }
      #expect(ended.value == 10_000)
      #expect(canceled.value > 0)
      print("async chaos: seed \(seed), \(canceled.value) of 10000 were cancelled in time")
      relay.close()
      listener.close()
    }
  }

  @Test(arguments: seeds)
  func `a server whose clients are cut and reset serves on, and mixes up no bytes`(
    seed: UInt64
  ) async throws {
    print("async chaos, cuts and resets: seed \(seed)")
    try await AsyncHarness.run(watchdog: .seconds(600)) { loop in
      let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
      let (begun, over) = (Counter(), Counter())
      let server = loop.task {
        try await listener.serve { connection in
          begun.value += 1
          defer { over.value += 1 }
          for try await bytes in connection.chunks { try await connection.write(bytes) }
        }
      }
      let relay = try ChaosRelay(
        to: listener.localAddress, on: loop, seed: seed,
        faults: .init(
          longestDelay: .milliseconds(1), largestPiece: 500, bytesBetweenFaults: 20_000,
          kinds: [.cut, .reset]))
      let whole = Counter()
      await withDiscardingTaskGroup { group in
        for number in 0..<60 {
          group.addImmediateTask { @LoopActor in
            let client = try? await TCPConnection.connect(to: relay.address, on: loop)
            guard let client else { return }
            let writer = loop.task {
              try await Self.send(12_000, to: client, on: loop, seed: seed &+ UInt64(number))
            }
            let stream = ReceivedStream(client)
            try? await stream.readToEnd()
            if stream.count == 12_000 { whole.value += 1 }
            client.close()
            await client.finished()
            _ = await writer.result
          }
        }
      }
      print("async chaos: seed \(seed), \(whole.value) of 60 clients got all, \(relay)")
      relay.close()
      // Every connection was begun and is over, and the server is as it was.
      let last = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      try await last.write("last")
      #expect(try await last.read(exactly: 4) == Array("last".utf8))
      last.closeGracefully()
      listener.close()
      try await server.value
      #expect(begun.value == over.value)
      #expect(begun.value > 1, "seed \(seed)")
      while loop.openHandles.contains(where: { $0.hasPrefix("TCPConnection") }) {
        try await loop.sleep(for: .milliseconds(1))
      }
    }
  }

  /// Sends so many bytes of the one sequence, in pieces of all sizes, and ends the stream.
  @LoopActor private static func send(
    _ count: Int, to connection: TCPConnection, on loop: EventLoop, seed: UInt64
  ) async throws {
    var random = SplitMix64(seed: seed)
    var sent = 0
    while sent < count {
      let size = min(count - sent, Int.random(in: 1...600, using: &random))
      try await connection.write((sent..<sent + size).map(ReceivedStream.byte))
      sent += size
      switch Int.random(in: 0..<4, using: &random) {
      case 0: try await loop.sleep(for: .microseconds(.random(in: 0...300, using: &random)))
      case 1: await Task.yield()
      default: break
      }
    }
    connection.shutdown()
  }
}

/// What a task receives of the one sequence; it checks each byte where it takes it.
@LoopActor private final class ReceivedStream {
  let connection: TCPConnection
  private(set) var count = 0

  init(_ connection: TCPConnection) { self.connection = connection }

  /// Neither a byte that is lost nor two that are swapped leave the rest as it is.
  nonisolated static func byte(at position: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: position ^ position >> 8 &* 7)
  }

  private func take(_ bytes: [UInt8]) {
    for byte in bytes {
      if byte != Self.byte(at: count) {
        Issue.record("byte \(count) is \(byte) and not \(Self.byte(at: count))")
        return
      }
      count += 1
    }
  }

  func read(_ way: Int, _ size: Int) async throws {
    switch way {
    case 0: _ = try await connection.read { take($0.array) }
    case 1:
      var buffer: [UInt8] = []
      if try await connection.read(into: &buffer) != nil { take(buffer) }
    case 2:
      do throws(UVError) {
        if let bytes = try await connection.read(exactly: size) { take(bytes) }
      } catch {
        // The sequence does not end at a multiple of the size.
        if error.code != .endOfFile { throw error }
      }
    case 3:
      for try await bytes in connection.chunks {
        take(bytes)
        break
      }
    default: try await connection.scoped { _ = try await connection.read { take($0.array) } }
    }
  }

  func readToEnd() async throws {
    while try await connection.read({ take($0.array) }) != nil {}
  }
}
