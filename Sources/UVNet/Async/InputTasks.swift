/// What standard input needs once a task reads it: the unread bytes, and the task that waits.
///
/// Used on the loop's thread only.
@usableFromInline
final class InputTasks: FrameSource {
  private let loop: LoopTasks
  private let reader = LoopWait()
  private var input = InputBuffer()
  private var standardInput: StandardInput?
  private var needed = 1
  private var hasEnded = false
  private var error: UVError?

  init(on loop: LoopTasks) { self.loop = loop }

  /// Opens standard input.
  func open(on loop: EventLoop) throws(UVError) {
    standardInput = try StandardInput.open(
      on: loop,
      .init(
        onData: { [self] in didRead($1, from: $0) },
        onEnd: { [self] _, error in didEnd(error) }))
  }

  func close() {
    standardInput?.close()
    standardInput = nil
    input = InputBuffer()
    didEnd(nil)
  }

  private func didRead(_ bytes: RawSpan, from standardInput: StandardInput) {
    unsafe bytes.withUnsafeBytes { unsafe input.append($0) }
    if input.count >= needed { reader.wake() }
    if input.count >= max(ConnectionTasks.inputLimit, needed) { standardInput.pause() }
  }

  private func didEnd(_ error: UVError?) {
    hasEnded = true
    self.error = self.error ?? error
    reader.wake()
  }

  @usableFromInline
  var availableByteCount: Int { input.count }

  @usableFromInline
  func waitForBytes(
    _ byteCount: Int, isolation: isolated (any Actor)? = #isolation
  ) async throws(UVError) -> Bool {
    guard !reader.isBusy else {
      stopProgram("two tasks read standard input at the same time", #fileID, #line)
    }
    needed = byteCount
    defer { needed = 1 }
    while input.count < byteCount {
      if let error { throw error }
      if hasEnded { return false }
      try standardInput?.resume()
      let outcome = await loop.suspend(reader, isolation: isolation)
      if outcome == .canceled, input.count < byteCount { throw UVError(.canceled, during: .read) }
    }
    return true
  }

  @usableFromInline
  func consume(_ body: (RawSpan) -> Int) { input.consume(input.withBytes(body)) }
}
