public import UVNet

extension EventLoop {
  /// Connects two ends over loopback on this loop, and hands both over, not yet started.
  ///
  /// - Parameters:
  ///   - writeLimits: The write limits of both ends.
  ///   - body: Called once, with the end that connected and the end that was accepted.
  /// - Throws: The error of listening. A failure to connect stops the program, since the test
  ///   cannot continue.
  public func withConnectedPair(
    writeLimits: StreamConnection.WriteLimits = StreamConnection.WriteLimits(),
    _ body: @escaping (_ connected: TCPConnection, _ accepted: TCPConnection) -> Void
  ) throws {
    var ends: (connected: TCPConnection?, accepted: TCPConnection?)
    func handOver() {
      guard let connected = ends.connected, let accepted = ends.accepted else { return }
      ends = (nil, nil)
      body(connected, accepted)
    }
    let listener = try TCPListener.listen(
      at: SocketAddress(.loopback, port: 0), on: self, options: .init(writeLimits: writeLimits)
    ) { listener, accepted in
      listener.close()
      ends.accepted = accepted
      handOver()
    }
    TCPConnection.connect(to: listener.localAddress, on: self, writeLimits: writeLimits) { result in
      switch result {
      case .success(let connected):
        ends.connected = connected
        handOver()
      case .failure(let error): preconditionFailure("loopback: \(error)")
      }
    }
  }
}

extension EventLoop {
  /// Makes both ends of a connection by Unix sockets on this loop, not yet started.
  ///
  /// - Parameter writeLimits: The write limits of both ends.
  /// - Returns: The two ends.
  /// - Throws: The system's error.
  public func connectedUnixPair(
    writeLimits: StreamConnection.WriteLimits = StreamConnection.WriteLimits()
  ) throws -> (UnixConnection, UnixConnection) {
    let (first, second) = try RawSocket.unixPair()
    // Each socket belongs to its connection once that exists.
    let one = try UnixConnection.adopt(
      descriptor: first.descriptor, on: self, writeLimits: writeLimits)
    _ = first.release()
    let other = try UnixConnection.adopt(
      descriptor: second.descriptor, on: self, writeLimits: writeLimits)
    _ = second.release()
    return (one, other)
  }
}

extension RawSpan {
  /// A copy of the bytes, for comparing.
  package var array: [UInt8] { [UInt8](self) }
}
