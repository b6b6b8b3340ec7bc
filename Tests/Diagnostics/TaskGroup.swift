// error: passing closure as a 'sending' parameter risks causing data races between global actor 'LoopActor'-isolated code and concurrent execution of the closure
// and: sending 'one' risks causing data races
// and: sending 'other' risks causing data races
import UVNet

@LoopActor func copy(_ one: TCPConnection, _ other: TCPConnection) async throws {
  for try await bytes in one.chunks { try await other.write(bytes) }
}

@LoopActor func relay(to address: SocketAddress, from one: TCPConnection, _ loop: EventLoop)
  async throws
{
  let other = try await TCPConnection.connect(to: address, on: loop)
  await withTaskGroup { group in
    #if WRONG
      group.addTask { try? await copy(one, other) }
    #else
      group.addImmediateTask { try? await copy(one, other) }
    #endif
    try? await copy(other, one)
  }
}
