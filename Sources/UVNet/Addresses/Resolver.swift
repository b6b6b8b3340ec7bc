internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// Looks a host name up, by way of the system's `getaddrinfo`.
///
/// Beside ``LoopThread`` it is the one part of the library that starts threads: libuv has look-ups done
/// by its thread pool (<https://docs.libuv.org/en/v1.x/threadpool.html>), of four threads unless the
/// environment variable `UV_THREADPOOL_SIZE` says otherwise. A numeric address needs no look-up and
/// starts none. What looks like a numeric address and is none is refused, such as `127.1` or
/// `0x7f000001`, which the system would take for 127.0.0.1.
@safe public final class Resolver {
  /// The name to look up.
  public let host: String

  private let port: UInt16
  private let loop: EventLoop
  private var completion: ((Result<[SocketAddress], UVError>) -> Void)?
  private var isCanceled = false
  private var request: UnsafeMutablePointer<uv_getaddrinfo_t>?

  /// Finds all addresses of a host, in the order in which the system recommends to try them.
  ///
  /// - Parameters:
  ///   - host: A name, or a numeric address, which is given back as it is.
  ///   - port: The port of the addresses that are given back.
  ///   - loop: The loop to call back on; it stays alive until the system has answered.
  ///   - completion: Called exactly once, never by this call itself, with at least one address, or
  ///     with the reason why there is none; ``UVError/Code/canceled`` after ``cancel()``.
  /// - Returns: The look-up, to cancel it.
  @discardableResult
  public static func resolve(
    _ host: String, port: UInt16, on loop: EventLoop,
    completion: @escaping (Result<[SocketAddress], UVError>) -> Void
  ) -> Resolver {
    let resolver = Resolver(host, port, loop, completion)
    if let address = try? SocketAddress(host: host, port: port) {
      loop.nextTick { resolver.finish(.success([address])) }
    } else if let error = resolver.begin() {
      loop.nextTick { resolver.finish(.failure(error)) }
    }
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
  /// A look-up that the system is working on cannot be stopped: its result is thrown away.
  public func cancel() {
    loop.checkThread()
    guard completion != nil, !isCanceled else { return }
    isCanceled = true
    if let request = unsafe request {
      unsafe UnsafeMutableRawPointer(request).withMemoryRebound(to: uv_req_t.self, capacity: 1) {
        _ = unsafe uv_cancel($0)
      }
    }
    loop.nextTick { self.finish(.failure(UVError(.canceled, during: .resolve))) }
  }

  private func begin() -> UVError? {
    loop.checkIsOpen("Resolver.resolve() was called after the loop's close()", #fileID, #line)
    guard !loop.isEnding else {
      return UVError(
        .canceled, during: .resolve, domain: .library, detail: "the loop is ending")
    }
    // An embedded NUL would end the name early for the system, and not for us.
    guard !Self.looksNumeric(host) else {
      return UVError(
        .invalidArgument, during: .resolve,
        detail: "\(host) looks like a numeric address and is none")
    }
    guard !host.isEmpty, host.utf8.count <= 255, !host.utf8.contains(0) else {
      return UVError(.invalidArgument, during: .resolve, detail: "not a host name")
    }
    let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)
    unsafe request.pointee.data = Unmanaged.passRetained(self).toOpaque()
    var hints = unsafe addrinfo()
    unsafe hints.ai_family = AF_UNSPEC
    unsafe hints.ai_socktype = socketTypeStream
    let status = unsafe uv_getaddrinfo(
      loop.raw, request,
      { request, status, list in
        guard let request = unsafe request, let data = unsafe request.pointee.data else { return }
        let resolver = unsafe Unmanaged<Resolver>.fromOpaque(data).takeRetainedValue()
        unsafe request.deallocate()
        unsafe resolver.didResolve(status, list)
        unsafe uv_freeaddrinfo(list)
      }, host, nil, &hints)
    guard status == 0 else {
      unsafe Unmanaged.passUnretained(self).release()
      unsafe request.deallocate()
      return UVError(status, .resolve)
    }
    unsafe self.request = request
    loop.lookups.append(self)
    return nil
  }

  /// Whether a host's last label is a number, decimal or hexadecimal: no name ends so, and systems
  /// read such hosts as IPv4 addresses of all kinds (WHATWG URL Standard, "ends in a number").
  ///
  /// With a colon it can only be meant for IPv6.
  private static func looksNumeric(_ host: String) -> Bool {
    guard !host.utf8.contains(UInt8(ascii: ":")) else { return true }
    let blank = { (byte: UInt8) in byte == UInt8(ascii: " ") || (9...13).contains(byte) }
    let text = host.utf8.drop(while: blank).prefix { !blank($0) }
    let labels = text.split(separator: UInt8(ascii: "."))
    guard let last = labels.last else { return false }
    let isDigit = { (byte: UInt8) in (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    if last.allSatisfy(isDigit) { return true }
    guard last.count >= 2, last.first == UInt8(ascii: "0"),
      last.dropFirst().first.map({ $0 | 0x20 }) == UInt8(ascii: "x")
    else { return false }
    return last.dropFirst(2).allSatisfy {
      isDigit($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0 | 0x20)
    }
  }

  private func didResolve(_ status: Int32, _ list: UnsafeMutablePointer<addrinfo>?) {
    unsafe request = nil
    loop.lookups.removeAll { $0 === self }
    guard !isCanceled else { return }  // told by the tick that cancel() asked for
    guard status == 0 else { return finish(.failure(UVError(status, .resolve))) }
    var addresses: [SocketAddress] = []
    var entry = unsafe list
    while let current = unsafe entry {
      if let found = unsafe SocketAddress(current.pointee, port: port), !addresses.contains(found) {
        addresses.append(found)
      }
      unsafe entry = current.pointee.ai_next
    }
    finish(
      addresses.isEmpty
        ? .failure(UVError(.init(UV_EAI_NODATA), during: .resolve)) : .success(addresses))
  }

  private func finish(_ result: Result<[SocketAddress], UVError>) {
    guard let completion else { return }
    self.completion = nil
    loop.dispatch { completion(result) }
  }
}

#if canImport(Glibc)
  private let socketTypeStream = Int32(SOCK_STREAM.rawValue)
#else
  private let socketTypeStream = SOCK_STREAM
#endif

extension SocketAddress {
  fileprivate init?(_ info: addrinfo, port: UInt16) {
    guard let address = unsafe info.ai_addr else { return nil }
    var storage = sockaddr_storage()
    let size = unsafe min(Int(info.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
    let found = unsafe withUnsafeMutablePointer(to: &storage) { storage in
      unsafe UnsafeMutableRawPointer(storage).copyMemory(from: address, byteCount: size)
      return unsafe SocketAddress(storage)
    }
    guard let found else { return nil }
    self.init(found.address, port: port)
  }
}
