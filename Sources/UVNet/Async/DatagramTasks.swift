/// What a UDP socket needs once tasks use it: unreceived datagrams, and the tasks that wait.
///
/// Used on the loop's thread only. The socket owns this.
final class DatagramTasks {
  private let loop: LoopTasks
  private(set) var received: DatagramQueue<UDPSocket.Origin>
  private let reader = LoopWait()
  private var senders: [LoopWait] = []
  private var error: UVError?
  /// Whether the socket is read for tasks, and not by callbacks of the program's.
  var hasStarted = false

  init(on loop: LoopTasks, limits: UDPSocket.QueueLimits) {
    self.loop = loop
    received = DatagramQueue(limits: limits)
  }

  /// What a socket is started with when a task receives.
  var handlers: UDPSocket.Handlers {
    UDPSocket.Handlers(
      onDatagram: { socket, bytes, origin in
        socket.tasks?.didReceive(bytes, origin)
      },
      onError: { socket, error in
        // An error about one of many peers must not fail a task that receives from all of them.
        guard socket.remoteAddress != nil || !error.isAboutOnePeer else { return }
        socket.tasks?.didFail(error)
      })
  }

  private func didReceive(_ bytes: RawSpan, _ origin: UDPSocket.Origin) {
    if unsafe bytes.withUnsafeBytes({ unsafe received.append($0, origin) }) { reader.wake() }
  }

  private func didFail(_ error: UVError) {
    self.error = error
    reader.wake()
  }

  /// Wakes the tasks that wait for room, because datagrams have left the queue.
  func didSend() { for wait in senders { wait.wake() } }

  func didClose() {
    received.removeAll()
    reader.wake()
    didSend()
  }

  /// Waits for a datagram; `nil` when the socket is closed.
  func receive(
    from socket: UDPSocket, isolation: isolated (any Actor)? = #isolation
  ) async throws(UVError) -> UDPSocket.Datagram? {
    guard !reader.isBusy else {
      stopProgram("two tasks receive from a socket at the same time", #fileID, #line)
    }
    while true {
      if let first = received.first {
        received.removeFirst()
        return UDPSocket.Datagram(bytes: first.bytes, origin: first.address)
      }
      if let error {
        self.error = nil
        throw error
      }
      if socket.isClosing, !loop.isEnding { return nil }
      let outcome = await loop.suspend(reader, isolation: isolation)
      if outcome == .canceled, received.isEmpty { throw UVError(.canceled, during: .receive) }
    }
  }

  /// Waits until a datagram of `byteCount` bytes has room in the socket's queue, or the queue is
  /// empty.
  func waitForRoom(
    _ byteCount: Int, of socket: UDPSocket, isolation: isolated (any Actor)? = #isolation
  ) async throws(UVError) {
    while !socket.isClosing, !socket.queue.isEmpty, !socket.queue.hasRoom(for: byteCount) {
      let wait = LoopWait()
      senders.append(wait)
      let outcome = await loop.suspend(wait, isolation: isolation)
      senders.removeAll { $0 === wait }
      if outcome == .canceled { throw UVError(.canceled, during: .send) }
    }
  }
}

extension UVError {
  /// Whether a UDP socket's error is about one datagram or one peer, and not about the socket.
  fileprivate var isAboutOnePeer: Bool { operation == .send || UDPSocket.isRefusal(code.rawValue) }
}
