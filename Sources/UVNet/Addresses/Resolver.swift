internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Looks up a host name by the system's `getaddrinfo`.
///
/// Beside ``LoopThread`` it is the one part of the library that starts threads: libuv has look-ups done
/// by its thread pool (<https://docs.libuv.org/en/v1.x/threadpool.html>), of four threads unless the
/// environment variable `UV_THREADPOOL_SIZE` says otherwise. A numeric address with a numeric port needs
/// no look-up and starts none. What looks like a numeric address and is none is refused, such as
/// `127.1` or `0x7f000001`, which the system would take for 127.0.0.1.
///
/// `getaddrinfo` cannot be interrupted. A look-up that is cancelled or times out is reported at
/// once, but it occupies its thread and keeps its loop alive until the system gives up, most often
/// within half a minute; only ``EventLoop/end()`` does not wait for that. Four such look-ups keep
/// all others waiting.
@safe public final class Resolver {
  /// The name to look up.
  public let host: String

  private let port: UInt16
  private let loop: EventLoop
  private var completion: ((Result<[SocketAddress], UVError>) -> Void)?
  private var isGivenUp = false
  private var deadline: LoopTimer?
  private var request: UnsafeMutablePointer<uv_getaddrinfo_t>?

  /// Finds all addresses of a host, in the order in which the system recommends to try them.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address, which is given back as it is.
  ///   - port: The port of the addresses that are given back.
  ///   - family: Which addresses are wanted.
  ///   - timeout: How long it may take; `nil` leaves it to the system.
  ///   - loop: The loop to call back on; it stays alive until the system has answered.
  ///   - completion: Called exactly once, never by this call itself: with at least one address, each
  ///     once; or with the reason why there is none, such as ``UVError/Code/hostNotFound``,
  ///     ``UVError/Code/timedOut``, or ``UVError/Code/canceled`` after ``cancel()``.
  /// - Returns: The look-up, to cancel it.
  @discardableResult
  public static func resolve(
    _ host: String, port: UInt16, family: Family = .any, timeout: Duration? = nil,
    on loop: EventLoop, completion: @escaping (Result<[SocketAddress], UVError>) -> Void
  ) -> Resolver {
    let resolver = Resolver(host, port, loop, completion)
    if let address = try? SocketAddress(host: host, port: port) {
      resolver.tellLater(family.includes(address) ? nil : .noAddress, [address])
    } else if let error = resolver.begin(family, service: nil, .tcp) {
      resolver.tellLater(error)
    }
    resolver.setDeadline(timeout)
    return resolver
  }

  /// Finds all addresses at which a host gives a service, in the order in which the system recommends
  /// to try them.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address.
  ///   - service: A port as a number, or a service's name in the system's list of them, such as
  ///     `https` (RFC 6335 section 5.1). A thread resolves a name, whatever the host is.
  ///   - transport: Which transport's port the service's name stands for.
  ///   - family: Which addresses are wanted.
  ///   - timeout: How long it may take; `nil` leaves it to the system.
  ///   - loop: The loop to call back on; it stays alive until the system has answered.
  ///   - completion: As that of ``resolve(_:port:family:timeout:on:completion:)``; it gets
  ///     ``UVError/Code/serviceNotFound`` for a service that the system does not know.
  /// - Returns: The look-up, to cancel it.
  @discardableResult
  public static func resolve(
    _ host: String, service: String, transport: Transport = .tcp, family: Family = .any,
    timeout: Duration? = nil, on loop: EventLoop,
    completion: @escaping (Result<[SocketAddress], UVError>) -> Void
  ) -> Resolver {
    if let port = try? SocketAddress.parsePort(service, allowZero: true) {
      return resolve(
        host, port: port, family: family, timeout: timeout, on: loop, completion: completion)
    }
    let resolver = Resolver(host, 0, loop, completion)
    if let error = resolver.begin(family, service: service, transport) {
      resolver.tellLater(error)
    }
    resolver.setDeadline(timeout)
    return resolver
  }

  private init(
    _ host: String, _ port: UInt16, _ loop: EventLoop,
    _ completion: @escaping (Result<[SocketAddress], UVError>) -> Void
  ) {
    self.host = host
    self.port = port
    self.loop = loop
    self.completion = completion
  }

  /// Gives up; the completion gets ``UVError/Code/canceled`` on a later turn, unless it has been
  /// called already.
  ///
  /// A look-up that the system is working on cannot be stopped: its result is ignored.
  public func cancel() {
    loop.checkThread()
    giveUp(.canceled)
  }

  private func setDeadline(_ timeout: Duration?) {
    guard let timeout else { return }
    deadline = LoopTimer.after(timeout, on: loop) { [weak self] _ in self?.giveUp(.timedOut) }
  }

  private func giveUp(_ code: UVError.Code) {
    guard completion != nil, !isGivenUp else { return }
    isGivenUp = true
    if let request = unsafe request {
      unsafe UnsafeMutableRawPointer(request).withMemoryRebound(to: uv_req_t.self, capacity: 1) {
        _ = unsafe uv_cancel($0)
      }
    }
    tellLater(UVError(code, during: .resolve, detail: host))
  }

  private func tellLater(_ code: UVError.Code?, _ addresses: [SocketAddress]) {
    loop.nextTick { [self] in
      finish(
        code.map { .failure(UVError($0, during: .resolve, detail: host)) } ?? .success(addresses))
    }
  }

  private func tellLater(_ error: UVError) {
    loop.nextTick { [self] in finish(.failure(error)) }
  }

  private func begin(_ family: Family, service: String?, _ transport: Transport) -> UVError? {
    loop.checkIsOpen("Resolver.resolve() was called after the loop's close()", #fileID, #line)
    guard !loop.isEnding else {
      return UVError(
        .canceled, during: .resolve, domain: .library, detail: "the loop is ending")
    }
    if let detail = Self.refusal(of: host, service: service) {
      return UVError(.invalidArgument, during: .resolve, detail: detail)
    }
    let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
    unsafe request.pointee.data = Unmanaged.passRetained(self).toOpaque()
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = family.number
    unsafe hints.ai_socktype = transport.socketType
    let status = unsafe uv_getaddrinfo(
      loop.raw, request,
      { request, status, list in
        guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
        let resolver = unsafe Unmanaged<Resolver>.fromOpaque(data).takeRetainedValue()
        unsafe request.deallocate()
        unsafe resolver.didResolve(status, list)
        unsafe uv_freeaddrinfo(list)
      }, host, service, &hints)
    guard status == 0 else {
      unsafe Unmanaged.passUnretained(self).release()
      unsafe request.deallocate()
      return UVError(status, .resolve)
    }
    unsafe self.request = request
    loop.lookups.append(self)
    return nil
  }

  private func didResolve(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
    unsafe request = nil
    loop.lookups.removeAll { $0 === self }
    guard !isGivenUp else { return }  // reported on the turn that giveUp() asked for
    guard status == 0 else {
      let code = UVError.Code(rawValue: status)
      return finish(.failure(UVError(code, during: .resolve, detail: host)))
    }
    var addresses: [SocketAddress] = []
    var entry = unsafe list
    while let current = unsafe entry {
      if let found = unsafe SocketAddress(current.pointee) {
        addresses.append(port == 0 ? found : SocketAddress(found.address, port: port))
      }
      unsafe entry = current.pointee.ai_next
    }
    var known: Set<SocketAddress> = []
    addresses = addresses.filter { known.insert($0).inserted }
    finish(
      addresses.isEmpty
        ? .failure(UVError(.noAddress, during: .resolve, detail: host)) : .success(addresses))
  }

  private func finish(_ result: Result<[SocketAddress], UVError>) {
    guard let completion else { return }
    self.completion = nil
    deadline?.cancel()
    deadline = nil
    loop.dispatch { completion(result) }
  }
}
