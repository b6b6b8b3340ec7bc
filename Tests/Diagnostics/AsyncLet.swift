// error: sending 'connection' risks causing data races
import UVNet

@LoopActor func greet(_ listener: AsyncListener<TCPConnection>) async throws {
  guard let connection = try await listener.accept() else { return }
  #if WRONG
    async let line = connection.read(exactly: 5)
    try await connection.write("hello")
    _ = try await line
  #else
    let line = Task.immediate { try await connection.read(exactly: 5) }
    try await connection.write("hello")
    _ = try await line.value
  #endif
}
