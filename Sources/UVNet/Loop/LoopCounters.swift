extension EventLoop {
  /// What a loop has done, as a value that a metrics library can read.
  ///
  /// Serving a request costs no more for it: most is added up when it is asked for, from what each
  /// handle counts anyway, which takes about a tenth of a millisecond with ten thousand connections.
  public struct Counters: Hashable, Sendable {
    /// Turns of the loop since it was made: how often it has looked for events.
    public internal(set) var turns: UInt64 = 0
    /// Bytes that all stream connections of the loop have received, open and closed ones.
    public internal(set) var bytesRead: UInt64 = 0
    /// Bytes that the kernel has taken of all stream connections.
    public internal(set) var bytesWritten: UInt64 = 0
    /// Datagrams that all UDP sockets have received.
    public internal(set) var datagramsReceived: UInt64 = 0
    /// Datagrams that the kernel has taken of all UDP sockets.
    public internal(set) var datagramsSent: UInt64 = 0
    /// How many handles are not fully closed, by the name of their type, such as `TCPConnection`; a
    /// C library's are called `foreign timer` and the like.
    public internal(set) var openHandles: [String: Int] = [:]
    /// The longest that the program has kept the loop waiting in one callback, since
    /// ``EventLoop/measuresCallbacks`` or ``EventLoop/resetLongestCallback()``; `nil` where callbacks
    /// are not measured.
    ///
    /// Work that other threads gave and that is called together counts as one callback. The callbacks
    /// of C libraries are not measured.
    public internal(set) var longestCallback: Duration?
  }

  /// The loop's counters now.
  ///
  /// On the loop's thread. Another one asks by ``Remote/execute(_:)`` and is handed the value.
  public var counters: Counters {
    checkThread()
    var counters = closedCounters
    var kinds: [ObjectIdentifier: (type: Handle.Type, count: Int)] = [:]
    for handle in handles() {
      handle.add(to: &counters)
      let kind = type(of: handle)
      kinds[ObjectIdentifier(kind), default: (kind, 0)].count += 1
    }
    for (_, kind) in kinds { counters.openHandles[String(describing: kind.type)] = kind.count }
    for foreign in foreignHandles() {
      counters.openHandles["foreign \(foreign.type)", default: 0] += 1
    }
    counters.turns = turns
    if measuresCallbacks { counters.longestCallback = .nanoseconds(longestCallback) }
    return counters
  }

  /// Whether each callback of the program's is timed, for ``Counters/longestCallback``; not unless set.
  ///
  /// It costs two looks at the clock a callback, some 50 ns together. Setting it begins anew.
  public var measuresCallbacks: Bool {
    get { areCallbacksMeasured }
    set {
      checkThread()
      areCallbacksMeasured = newValue
      longestCallback = 0
    }
  }

  /// Has a closure called after each callback while ``measuresCallbacks``, with how many nanoseconds
  /// that took; it must not use the loop.
  package func onCallbackMeasured(_ observe: @escaping (UInt64) -> Void) {
    checkThread()
    callbackObserver = observe
  }

  /// Begins anew to look for the longest callback, such as once a metrics library has read it.
  public func resetLongestCallback() {
    checkThread()
    longestCallback = 0
  }

  /// Whether callbacks are timed.
  private var areCallbacksMeasured: Bool {
    get { extras.contains(.measuring) }
    set { extras = extras.with(.measuring, newValue) }
  }

  /// When a callback of the program's begins; 0 where callbacks are not measured, or inside one.
  var callbackStart: UInt64 { areCallbacksMeasured && callbackDepth == 0 ? now.nanoseconds : 0 }

  func callbackEnded(_ start: UInt64) {
    guard start != 0 else { return }
    let time = now.nanoseconds - start
    longestCallback = max(longestCallback, time)
    callbackObserver?(time)
  }
}
