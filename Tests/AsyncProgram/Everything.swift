import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Waits for everything that can be waited for, ends waits in every way, and ends: for valgrind, which
/// cannot run the tests themselves.
struct Everything: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
    let server = loop.task {
      try await listener.serve { connection in
        for try await bytes in connection.chunks { try await connection.write(bytes) }
      }
    }
    let address = listener.localAddress
    for round in 0..<5 {
      try await readInEveryWay(address, loop)
      try await cancelReads(address, loop)
      try await waitForSlowPeer(loop)
      try await endWaits(address, loop)
      say("round \(round)")
    }
    // One connection that is open, in a wait, and dropped at the end.
    let last = try await TCPConnection.connect(to: address, on: loop)
    loop.task { _ = try await last.read(exactly: 1) }
    listener.close()
    server.cancel()
    _ = await server.result
    say("done")
  }

  @LoopActor
  private static func readInEveryWay(_ address: SocketAddress, _ loop: EventLoop) async throws {
    let client = try await TCPConnection.connect(to: address, on: loop)
    try await client.write("line one\nline two\nabcdefgh")
    var lines = client.frames(using: .lines, maximumLength: 64).makeAsyncIterator()
    guard try await lines.next() == "line one", try await lines.next() == "line two" else {
      throw Wrong()
    }
    var bytes: [UInt8] = []
    while bytes.count < 8 { _ = try await client.read(into: &bytes) }
    try await client.scoped {
      try await client.write(bytes)
      var count = 0
      while count < 8 { count += try await client.read { $0.byteCount } ?? 8 }
      try await client.write([UInt8](repeating: 7, count: 100_000))
      guard try await client.read(exactly: 100_000)?.last == 7 else { throw Wrong() }
    }
    client.closeGracefully()
    await client.finished()
  }

  /// Reads that are cancelled before, while and after they wait lose no byte.
  @LoopActor
  private static func cancelReads(_ address: SocketAddress, _ loop: EventLoop) async throws {
    let client = try await TCPConnection.connect(to: address, on: loop)
    var got = 0
    for turn in 0..<40 {
      let reader = loop.task { try await client.read(exactly: 2)?.count ?? 0 }
      let scoped = turn.isMultiple(of: 2)
      if scoped { await Task.yield() }
      if turn.isMultiple(of: 3) { try await client.write("ab") }
      if turn.isMultiple(of: 5) { try await loop.sleep(for: .milliseconds(1)) }
      reader.cancel()
      got += (try? await reader.value) ?? 0
    }
    while got < 28 { got += try await client.read(exactly: 2)?.count ?? 28 }
    client.close()
  }

  /// A writer waits for a peer that does not read; one such wait is cancelled.
  @LoopActor
  private static func waitForSlowPeer(_ loop: EventLoop) async throws {
    let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
    let near = try await TCPConnection.connect(to: listener.localAddress, on: loop)
    guard let far = try await listener.accept() else { throw Wrong() }
    let piece = [UInt8](repeating: 1, count: 65536)
    let writer = loop.task { for _ in 0..<200 { try await near.write(piece) } }
    try await loop.sleep(for: .milliseconds(5))
    let another = loop.task { try await near.drained() }
    await Task.yield()
    another.cancel()
    _ = await another.result
    var count = 0
    while count < 200 * 65536 { count += try await far.read { $0.byteCount } ?? 0 }
    try await writer.value
    // Closed while a task reads, and reset while another does.
    let reader = loop.task { try await far.read { $0.byteCount } }
    await Task.yield()
    near.close()
    _ = await reader.result
    far.close()
    listener.close()
  }

  /// Waits other than for bytes, most of which are cancelled.
  @LoopActor
  private static func endWaits(_ address: SocketAddress, _ loop: EventLoop) async throws {
    let listener = try AsyncListener.listen(at: SocketAddress(.loopback, port: 0), on: loop)
    let waits = [
      loop.task { try await loop.sleep(for: .seconds(60)) },
      loop.task { _ = try await loop.signal(.user1) },
      loop.task { _ = try await listener.accept() },
      loop.task {
        _ = try await loop.withTimeout(.seconds(60)) { try await loop.sleep(for: .seconds(90)) }
      },
      loop.task { _ = try await Resolver.resolve("127.0.0.1", port: 1, on: loop) },
    ]
    await Task.yield()
    for wait in waits { wait.cancel() }
    for wait in waits { _ = await wait.result }
    listener.close()
    do {
      _ = try await TCPConnection.connect(to: listener.localAddress, on: loop)
      throw Wrong()
    } catch let error as UVError {
      guard error.code == .connectionRefused else { throw error }
    }
    do {
      try await loop.withTimeout(.milliseconds(1)) { try await loop.sleep(for: .seconds(60)) }
    } catch let error as UVError {
      guard error.code == .timedOut else { throw error }
    }
  }

  private struct Wrong: Error {}
}
