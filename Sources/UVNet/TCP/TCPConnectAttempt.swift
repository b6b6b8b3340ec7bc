internal import CLibUV

/// A TCP connection in the making.
final class TCPConnectAttempt: ConnectAttempt {
  private var connection: TCPConnection?
  private var completion: ((Result<TCPConnection, UVError>) -> Void)?

  init(
    to address: SocketAddress, from source: SocketAddress?, on loop: EventLoop, timeout: Duration?,
    limits: SharedLimits,
    completion: @escaping (Result<TCPConnection, UVError>) -> Void
  ) {
    self.completion = completion
    super.init(on: loop, timeout: timeout)
    do throws(UVError) {
      let connection = try TCPConnection(on: loop, limits: limits)
      self.connection = connection
      if let source { try connection.bind(to: source) }
      try begin(connection, address)
    } catch {
      connection?.discard()
      connection = nil
      failLater(error) { self.finish(error.code.rawValue) }
    }
  }

  private func begin(_ connection: TCPConnection, _ address: SocketAddress) throws(UVError) {
    let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
    unsafe request.pointee.data = Unmanaged.passRetained(self).toOpaque()
    let status = unsafe address.withSockaddr { address in
      unsafe uv_tcp_connect(request, cuv_tcp(connection.raw), address) { request, status in
        guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
        let attempt = unsafe Unmanaged<TCPConnectAttempt>.fromOpaque(data).takeRetainedValue()
        unsafe request.deallocate()
        attempt.finish(status)
      }
    }
    guard status == 0 else {
      unsafe Unmanaged.passUnretained(self).release()
      unsafe request.deallocate()
      throw UVError(status, .connect)
    }
    connection.peer = PeerAddress(address)
  }

  /// Closing makes libuv call the request's callback, which calls ``finish(_:)``.
  override func didGiveUp() { connection?.close() }

  private func finish(_ status: Int32) {
    guard beginFinish(), let completion = completion.take() ?? nil else { return }
    guard let connection = connection.take() ?? nil else {
      // Its initialisation failed, or what came before connecting.
      if let verdict { loop.dispatch { completion(.failure(verdict)) } }
      return
    }
    if status == 0, verdict == nil { connection.learnPeer() }
    if status == 0, verdict == nil, connection.isConnectedToItself {
      // By a reset, so that its port is free at once for the server that belongs there.
      connection.reset()
      let error = UVError(
        .connectionRefused, during: .connect, detail: "nobody listens there, so it met itself")
      loop.dispatch { completion(.failure(error)) }
    } else if status == 0, verdict == nil {
      loop.dispatch { completion(.success(connection)) }
      connection.watchWhileQuiet()
    } else {
      connection.close()
      let error = verdict ?? UVError(status, .connect)
      loop.dispatch { completion(.failure(error)) }
    }
  }
}
