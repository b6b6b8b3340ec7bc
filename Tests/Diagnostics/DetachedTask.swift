// error: passing closure as a 'sending' parameter risks causing data races between global actor 'LoopActor'-isolated code and concurrent execution of the closure
import UVNet

@LoopActor func closeLater(_ loop: EventLoop, _ address: SocketAddress) async throws {
  let connection = try await TCPConnection.connect(to: address, on: loop)
  #if WRONG
    Task.detached { connection.close() }
  #else
    loop.task { connection.close() }
  #endif
}
