// error: sending 'connection' risks causing data races
import UVNet

actor Statistics {
  private var bytes: UInt64 = 0
  #if WRONG
    func closed(_ connection: TCPConnection) { bytes += connection.bytesRead }
  #else
    func closed(_ bytesRead: UInt64) { bytes += bytesRead }
  #endif
}

@LoopActor func serve(_ listener: AsyncListener<TCPConnection>, _ statistics: Statistics)
  async throws
{
  try await listener.serve { connection in
    for try await bytes in connection.chunks { try await connection.write(bytes) }
    #if WRONG
      await statistics.closed(connection)
    #else
      await statistics.closed(connection.bytesRead)
    #endif
  }
}
