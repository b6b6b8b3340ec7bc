/// What a callback gives, for the task that waits for it.
final class Answer<Value> {
  let wait = LoopWait()
  private(set) var result: Result<Value, UVError>?

  /// Takes what the callback was given, once.
  func give(_ result: Result<Value, UVError>) {
    self.result = result
    wait.wake()
  }
}
