// error: cannot pass function of type '(LoopTimer) async throws -> ()' to parameter expecting synchronous function type
// and: invalid conversion from throwing function of type '(LoopTimer) async throws -> ()' to non-throwing function type '(LoopTimer) -> Void'
import UVNet

@LoopActor func later(_ loop: EventLoop, _ connection: TCPConnection) {
  LoopTimer.after(.seconds(1), on: loop) { _ in
    #if WRONG
      try await connection.write("a second is over\n")
    #else
      loop.task { try await connection.write("a second is over\n") }
    #endif
  }
}
