internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The socket of a connection that was detached from its loop, on its way to another.
///
/// It may be handed to any thread. A socket that nobody takes is closed when the last reference to
/// it is dropped, such as when ``EventLoop/Remote/execute(_:)`` refuses the body that has it.
public final class DetachedSocket: Sendable {
  /// Negative once it was taken.
  private let descriptor: Mutex<Int32>

  init(_ descriptor: Int32) { self.descriptor = Mutex(descriptor) }

  deinit {
    let descriptor = take()
    if let descriptor { closeDescriptor(descriptor) }
  }

  /// Takes the descriptor out, to give it to another process or to another library.
  ///
  /// - Returns: The descriptor, which belongs to the caller from now on and does not block; `nil` if it
  ///   was taken before.
  public func take() -> Int32? {
    descriptor.withLock { descriptor in
      guard descriptor >= 0 else { return nil }
      defer { descriptor = -1 }
      return descriptor
    }
  }

  /// Hands the descriptor to `body`, which owns it unless it throws.
  func hand<Result>(
    to body: (Int32) throws(UVError) -> Result
  ) throws(UVError) -> Result {
    guard let taken = take() else {
      throw UVError(.badDescriptor, during: .open, domain: .library, detail: "taken before")
    }
    do throws(UVError) {
      return try body(taken)
    } catch {
      descriptor.withLock { $0 = taken }
      throw error
    }
  }
}

extension StreamConnection {
  /// Gives the socket up, for a connection on another loop to take over, such as by
  /// ``TCPConnection/adopt(_:on:writeLimits:)``.
  ///
  /// ```swift
  /// let socket = try connection.detach()
  /// worker.remote.execute { loop in
  ///   do {
  ///     try TCPConnection.adopt(socket, on: loop).start(handlers(for: loop))
  ///   } catch {
  ///     print("not served: \(error)")
  ///   }
  /// }
  /// ```
  ///
  /// The connection closes for the reason ``CloseReason/detached``, on a later turn, and the peer
  /// notices nothing. All that was read has been given to `onData`: what the program holds of it,
  /// such as the beginning of a message, it has to hand over itself. What has come since is read by
  /// the new connection, which also receives the peer's end; its ``bytesRead`` and ``bytesWritten``
  /// begin at zero, and it has its own limits, timeouts and handlers. Options of the socket stay.
  ///
  /// Legal in every callback, and before ``TypedConnection/start(_:file:line:)``. It takes a descriptor
  /// more for a moment.
  ///
  /// - Returns: The socket, which does not block.
  /// - Throws: ``UVError/Code/notSupported`` for one whose bytes are transformed, such as by TLS.
  ///   ``UVError/Code/busy`` while the kernel has not taken all that was written: try again at
  ///   `onDrain` or in a completion. Also while there are bytes that no task has read.
  ///   ``UVError/Code/brokenPipe`` once this side's stream was ended,
  ///   ``UVError/Code/badDescriptor`` once the connection is closing, and the system's
  ///   ``UVError/Code/tooManyOpenFiles``. The connection then is as it was.
  public final func detach() throws(UVError) -> DetachedSocket {
    loop.checkThread()
    guard !isClosing else { throw UVError(.badDescriptor, during: .detach) }
    guard canWrite else { throw UVError(.brokenPipe, during: .detach) }
    guard progress.isDisjoint(with: [.transformed, .hasUnread]) else {
      throw UVError(
        .notSupported, during: .detach, domain: .library, detail: "its bytes are transformed")
    }
    if let unread = tasks?.available, unread > 0 {
      throw UVError(
        .busy, during: .detach, domain: .library, detail: "\(unread) bytes wait for a task to read")
    }
    offerWrites()
    if isClosing { throw reason?.error ?? UVError(.badDescriptor, during: .detach) }
    let unsent = unsent
    guard unsent == 0 else {
      throw UVError(
        .busy, during: .detach, domain: .library, detail: "\(unsent) bytes are not sent yet")
    }
    // libuv closes its descriptor and cannot give it up, so the socket is duplicated; the number is
    // above the standard descriptors.
    let duplicate = try fcntl(descriptor(), F_DUPFD_CLOEXEC, 3)
    guard duplicate >= 0 else { throw UVError(-errno, .detach) }
    close(.detached)
    return DetachedSocket(duplicate)
  }
}
