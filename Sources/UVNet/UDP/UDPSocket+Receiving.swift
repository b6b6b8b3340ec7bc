internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

extension UDPSocket {
  private static let restDuration = Duration.milliseconds(100)

  /// Leaves datagrams with the system, which drops what its receive buffer does not hold.
  public func pauseReceiving() {
    loop.checkThread()
    guard !isClosing, !isPaused else { return }
    isPaused = true
    watch()
  }

  /// Receives again after ``pauseReceiving()``, on a later turn of the loop.
  public func resumeReceiving() {
    loop.checkThread()
    guard !isClosing, isPaused else { return }
    isPaused = false
    watch()
    if !withheld.isEmpty { loop.nextTick { [self] in tellWithheld() } }
  }

  /// Has libuv watch for the events that are needed now.
  ///
  /// A socket that is paused and has nothing to send needs none, and does not keep the loop alive.
  /// Nothing more is received while datagrams are withheld: what comes later would be told before them,
  /// and more and more withheld from a program that pauses at each datagram.
  func watch() {
    guard !isClosing else { return }
    var events: Int32 = 0
    if handlers != nil, !isPaused, rest == nil, withheld.isEmpty {
      events |= Int32(UV_READABLE.rawValue)
    }
    if !queue.isEmpty { events |= Int32(UV_WRITABLE.rawValue) }
    guard events != 0 else {
      unsafe uv_poll_stop(cuv_poll(raw))
      return
    }
    // It fails only where another handle of the loop watches the socket; uv_poll_init has refused
    // that.
    _ = unsafe uv_poll_start(cuv_poll(raw), events) { poll, status, events in
      guard let poll = unsafe poll else { return }
      let socket = unsafe Handle.of(
        UnsafeMutableRawPointer(poll).assumingMemoryBound(to: uv_handle_t.self), as: UDPSocket.self)
      socket.didPoll(status, events)
    }
  }

  private func didPoll(_ status: Int32, _ events: Int32) {
    if status < 0 {
      // The socket has an error, and libuv has stopped watching: receiving returns the error.
      receive()
      watch()
      return
    }
    if events & Int32(UV_WRITABLE.rawValue) != 0 { sendQueued() }
    if events & Int32(UV_READABLE.rawValue) != 0 { receive() }
  }

  private func receive() {
    // Its descriptor may be another's by now.
    guard !isClosing else { return }
    guard handlers != nil, !isPaused, withheld.isEmpty else { return takePendingError() }
    let batch = loop.datagramBatch()
    let count = batch.receive(from: socket, maximumBytes: maximumDatagramBytes)
    guard count >= 0 else { return didFailToReceive(Int32(count)) }
    counters.received &+= UInt64(count)
    loop.dispatch {
      for index in 0..<count {
        guard !isClosing, let handlers else { return }
        guard let origin = batch.origin(at: index) else { continue }
        let bytes = unsafe batch.bytes(at: index)
        if isPaused {
          // They were taken from the system already, so they are kept here.
          withheld.append(unsafe (Array(bytes), origin))
        } else {
          unsafe handlers.onDatagram(self, bytes.bytes, origin)
        }
      }
    }
  }

  private func tellWithheld() {
    loop.dispatch {
      while !isClosing, !isPaused, let handlers, !withheld.isEmpty {
        let next = withheld.removeFirst()
        unsafe handlers.onDatagram(self, next.bytes.span.bytes, next.origin)
      }
    }
    if withheld.isEmpty { watch() }
  }

  /// Reads the socket's pending error where nothing is received, so that it does not wake the loop
  /// again and again.
  private func takePendingError() {
    guard let error = SocketOption.error.value(on: socket), error != 0 else { return }
    tell(UVError(-Int32(clamping: error), .receive))
  }

  private func didFailToReceive(_ status: Int32) {
    if status == UV_EAGAIN.rawValue { return }
    // A refusal was about a datagram sent earlier, and reading it clears it.
    if !Self.isRefusal(status) { beginRest() }
    tell(UVError(status, .receive))
  }

  /// Whether an error is about a datagram that was sent before.
  static func isRefusal(_ status: Int32) -> Bool {
    let refusals = [UV_ECONNREFUSED, UV_EHOSTUNREACH, UV_ENETUNREACH, UV_EHOSTDOWN, UV_EMSGSIZE]
    return refusals.contains { $0.rawValue == status }
  }

  func tell(_ error: UVError) {
    loop.dispatch { handlers?.onError?(self, error) }
  }

  /// Leaves the socket alone for a moment: an error that stays would otherwise wake the loop at once.
  private func beginRest() {
    let timer = LoopTimer.after(Self.restDuration, on: loop) { [weak self] _ in
      guard let self, !isClosing else { return }
      rest = nil
      watch()
    }
    rest = timer
    watch()
  }
}

extension EventLoop {
  /// Where UDP sockets receive; made for the first of them.
  func datagramBatch() -> DatagramBatch {
    if let batch = datagrams { return batch }
    let batch = DatagramBatch()
    datagrams = batch
    return batch
  }
}
