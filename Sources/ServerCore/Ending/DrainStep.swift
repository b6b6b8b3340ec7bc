/// What a server that ends does with one connection.
enum DrainStep: Equatable {
  /// Nothing is due: half a frame and requests that were not looked at count as nothing.
  case closeNow
  /// Answers are on their way: they are sent, then the connection closes.
  case sendAndClose
  /// Requests sleep that are due in time: they are answered first.
  case waitForSleeping

  init(unsent: Int, sleepingRequests: Int) {
    self =
      sleepingRequests > 0 ? .waitForSleeping : unsent > 0 ? .sendAndClose : .closeNow
  }
}
