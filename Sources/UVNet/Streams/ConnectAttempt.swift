internal import CLibUV

/// A connection in the making.
public final class ConnectAttempt {
  private let loop: EventLoop
  private var connection: TCPConnection?
  private var timer: LoopTimer?
  private var completion: ((Result<TCPConnection, UVError>) -> Void)?
  /// Why we gave up, where it was not libuv that failed.
  private var verdict: UVError?

  init(
    to address: SocketAddress, from source: SocketAddress?, on loop: EventLoop, timeout: Duration?,
    limits: SharedLimits,
    completion: @escaping (Result<TCPConnection, UVError>) -> Void
  ) {
    self.loop = loop
    self.completion = completion
    do throws(UVError) {
      let connection = try TCPConnection(on: loop, limits: limits)
      self.connection = connection
      if let source { try connection.bind(to: source) }
      try begin(connection, address)
    } catch {
      connection?.discard()
      connection = nil
      verdict = error
      loop.nextTick { self.finish(error.code.rawValue) }
      return
    }
    if let timeout {
      timer = LoopTimer.after(timeout, on: loop) { [weak self] _ in self?.giveUp(.timedOut) }
    }
  }

  /// Gives up.
  ///
  /// The completion gets ``UVError/Code/canceled`` on a later turn of the loop, unless it has been
  /// called already.
  public func cancel() { giveUp(.canceled) }

  private func begin(_ connection: TCPConnection, _ address: SocketAddress) throws(UVError) {
    let request = UnsafeMutablePointer<uv_connect_t>.allocate(capacity: 1)
    unsafe request.pointee.data = Unmanaged.passRetained(self).toOpaque()
    let status = unsafe address.withSockaddr { address in
      unsafe uv_tcp_connect(request, cuv_tcp(connection.raw), address) { request, status in
        guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
        let attempt = unsafe Unmanaged<ConnectAttempt>.fromOpaque(data).takeRetainedValue()
        unsafe request.deallocate()
        attempt.finish(status)
      }
    }
    guard status == 0 else {
      unsafe Unmanaged.passUnretained(self).release()
      unsafe request.deallocate()
      throw UVError(status, .connect)
    }
  }

  private func giveUp(_ code: UVError.Code) {
    guard completion != nil, verdict == nil else { return }
    verdict = UVError(code, during: .connect)
    // libuv now calls the request back, and so `finish`.
    connection?.close()
  }

  private func finish(_ status: Int32) {
    guard let completion, let connection = connection.take() ?? nil else {
      return finishWithoutConnection()
    }
    self.completion = nil
    timer?.cancel()
    timer = nil
    if status == 0, verdict == nil, connection.isConnectedToItself {
      // By a reset: its port is to be free at once for the server that is missing.
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

  /// There was not even a handle: its initialisation failed.
  private func finishWithoutConnection() {
    guard let completion, let verdict else { return }
    self.completion = nil
    loop.dispatch { completion(.failure(verdict)) }
  }
}
