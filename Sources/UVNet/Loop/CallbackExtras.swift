/// What a callback has to see to besides the program, in one byte, so that one look finds nothing.
struct CallbackExtras: OptionSet {
  let rawValue: UInt8

  /// Jobs of tasks are waiting.
  static let jobs = CallbackExtras(rawValue: 1)
  /// Callbacks are timed; see ``EventLoop/measuresCallbacks``.
  static let measuring = CallbackExtras(rawValue: 2)
  /// UDP sockets have collected datagrams.
  static let datagrams = CallbackExtras(rawValue: 4)

  /// The same with `extra`, or without it.
  func with(_ extra: CallbackExtras, _ isThere: Bool) -> CallbackExtras {
    isThere ? union(extra) : subtracting(extra)
  }
}

extension EventLoop {
  /// Whether jobs of tasks are waiting.
  var hasJobs: Bool {
    get { extras.contains(.jobs) }
    set { extras = extras.with(.jobs, newValue) }
  }
}
