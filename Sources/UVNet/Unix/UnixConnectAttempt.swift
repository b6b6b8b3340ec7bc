internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A connection by a Unix socket in the making.
///
/// A Unix socket connects at once or not at all, so this calls connect(2) itself. libuv has no
/// abstract names before 1.46, and does not wait for room in a full backlog.
final class UnixConnectAttempt: ConnectAttempt {
  private let address: UnixAddress
  private let limits: SharedLimits
  private var completion: ((Result<UnixConnection, UVError>) -> Void)?
  private var retryTimer: LoopTimer?

  /// How long to wait for room in a full backlog before asking again.
  private static let retryDelay = Duration.milliseconds(5)

  init(
    to address: UnixAddress, on loop: EventLoop, timeout: Duration?, limits: SharedLimits,
    completion: @escaping (Result<UnixConnection, UVError>) -> Void
  ) {
    self.address = address
    self.limits = limits
    self.completion = completion
    super.init(on: loop, timeout: timeout)
    loop.nextTick { self.attempt() }
  }

  private func attempt() {
    loop.waitingAttempts[ObjectIdentifier(self)] = nil
    guard !isFinished, verdict == nil else { return }
    let descriptor = cuv_stream_socket(AF_UNIX)
    guard descriptor >= 0 else { return finish(UVError(-errno, .connect)) }
    let status = unsafe address.withSockaddr { address, size in
      unsafe systemConnect(descriptor, address, size)
    }
    let error = status == 0 ? 0 : errno
    if error == 0 {
      do throws(UVError) {
        return succeed(try UnixConnection.connected(descriptor, on: loop, limits: limits))
      } catch {
        closeDescriptor(descriptor)
        return finish(UVError(error.code, during: .connect))
      }
    }
    closeDescriptor(descriptor)
    // The backlog is full, or a signal came.
    guard error == EAGAIN || error == EINTR else { return finish(UVError(-error, .connect)) }
    guard !loop.isEnding else { return finish(UVError(.canceled, during: .connect)) }
    loop.waitingAttempts[ObjectIdentifier(self)] = self
    retryTimer = LoopTimer.after(Self.retryDelay, on: loop) { [weak self] _ in self?.attempt() }
  }

  override func didGiveUp() {
    retryTimer?.cancel()
    loop.waitingAttempts[ObjectIdentifier(self)] = nil
    loop.nextTick { [self] in finish(nil) }
  }

  private func succeed(_ connection: UnixConnection) {
    guard beginFinish(), let completion = completion.take() ?? nil else {
      return connection.close()
    }
    loop.dispatch { completion(.success(connection)) }
    connection.watchWhileQuiet()
  }

  private func finish(_ error: UVError?) {
    guard beginFinish(), let completion = completion.take() ?? nil,
      let error = verdict ?? error
    else { return }
    loop.dispatch { completion(.failure(error)) }
  }
}

private func systemConnect(
  _ socket: Int32, _ address: UnsafePointer<sockaddr>, _ size: socklen_t
) -> Int32 {
  unsafe connect(socket, address, size)
}
