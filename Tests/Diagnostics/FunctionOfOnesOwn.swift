// error: sending 'connection' risks causing data races
import UVNet

#if WRONG
  func answer(_ connection: TCPConnection) async throws {
    try await connection.write("hello\n")
  }
#else
  @LoopActor func answer(_ connection: TCPConnection) async throws {
    try await connection.write("hello\n")
  }
#endif

@LoopActor func serve(_ listener: AsyncListener<TCPConnection>) async throws {
  try await listener.serve { connection in
    try await answer(connection)
  }
}
