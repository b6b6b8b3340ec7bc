// error: lifetime-dependent variable 'first' escapes its scope
import UVNet

@LoopActor func firstBytes(of connection: TCPConnection) async throws -> [UInt8]? {
  #if WRONG
    var first: RawSpan?
    _ = try await connection.read { bytes in first = bytes }
    guard let first else { return nil }
    return [UInt8](first)
  #else
    return try await connection.read { bytes in [UInt8](bytes) }
  #endif
}
