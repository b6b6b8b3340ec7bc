// With the feature the first error does not occur, and a function that should leave the loop's thread
// says so.
// flags: -enable-upcoming-feature NonisolatedNonsendingByDefault
// error: sending 'connection' risks causing data races
import UVNet

func answer(_ connection: TCPConnection) async throws {
  try await connection.write("hello\n")
}

@concurrent func digest(_ bytes: [UInt8]) async -> Int { bytes.reduce(0) { $0 ^ Int($1) } }

#if WRONG
  @concurrent func answerElsewhere(_ connection: TCPConnection) async throws {
    try await connection.write("hello\n")
  }
#endif

@LoopActor func serve(_ listener: AsyncListener<TCPConnection>) async throws {
  try await listener.serve { connection in
    try await answer(connection)
    for try await bytes in connection.chunks {
      try await connection.write("\(await digest(bytes))\n")
    }
    #if WRONG
      try await answerElsewhere(connection)
    #endif
  }
}
