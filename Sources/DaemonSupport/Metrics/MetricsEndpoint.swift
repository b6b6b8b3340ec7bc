internal import TestTaskProgramBasics
package import UVNet

/// Serves `/metrics` and `/healthz` by HTTP/1.1, one request a connection.
///
/// Whoever asks has 5 s for the request and as long to take the answer. Only ``mostScrapers`` connections
/// are open at a time; others wait in the backlog, which the time limits keep moving.
package final class MetricsEndpoint {
  /// What there is to see.
  package struct Pages {
    /// Makes the body of `/metrics`, in Prometheus' text format.
    package var metrics: () -> [UInt8]
    /// Says why the program should get no new work, in one line; `nil` when all is well.
    package var complaint: () -> String?

    package init(metrics: @escaping () -> [UInt8], complaint: @escaping () -> String?) {
      self.metrics = metrics
      self.complaint = complaint
    }
  }

  /// Connections that are served at a time.
  package static let mostScrapers = 16
  /// How long a request may take to come, and an answer to be taken.
  private static let patience = Duration.seconds(5)

  private let loop: EventLoop
  private let pages: Pages
  private let onError: (UVError) -> Void
  private var listeners: [StreamListener] = []
  private var scrapers = 0

  /// - Parameters:
  ///   - loop: The loop to serve on.
  ///   - pages: What there is to see; held as long as the loop holds the listeners.
  ///   - onError: Called when accepting a connection fails; the endpoint goes on.
  package init(
    on loop: EventLoop, _ pages: Pages, onError: @escaping (UVError) -> Void = { _ in }
  ) {
    self.loop = loop
    self.pages = pages
    self.onError = onError
  }

  /// Listens by TCP, until the loop ends.
  ///
  /// - Parameter address: Where to listen; port 0 asks for any free one.
  /// - Returns: The address in use.
  /// - Throws: The system's error.
  package func listen(at address: SocketAddress) throws(UVError) -> SocketAddress {
    let listener = try TCPListener.listen(
      at: address, on: loop, options: .init(backlog: 128), onError: { [self] in onError($1) },
      onConnection: { [self] in serve($1) })
    listeners.append(listener)
    return listener.localAddress
  }

  /// Listens on a Unix socket, until the loop ends.
  ///
  /// - Parameters:
  ///   - address: The socket's path or name.
  ///   - mode: The permissions of its file.
  /// - Throws: The system's error.
  package func listen(at address: UnixAddress, mode: UInt32) throws(UVError) {
    let listener = try UnixListener.listen(
      at: address, on: loop, options: .init(backlog: 128, mode: mode),
      onError: { [self] in onError($1) }, onConnection: { [self] in serve($1) })
    listeners.append(listener)
  }

  /// Listens on a socket of the service manager's, until the loop ends.
  ///
  /// - Returns: Where that is: `address=127.0.0.1 port=9100`, or `socket=/run/metrics`.
  /// - Throws: The system's error; the socket is still the caller's then.
  package func takeOver(_ socket: InheritedSocket) throws(UVError) -> String {
    switch socket.kind {
    case .tcp:
      let listener = try TCPListener.adopt(
        descriptor: socket.descriptor, on: loop, options: .init(backlog: 128),
        onError: { [self] in onError($1) }, onConnection: { [self] in serve($1) })
      listeners.append(listener)
      return "address=\(listener.localAddress.host) port=\(listener.localAddress.port)"
    case .unix:
      let listener = try UnixListener.adopt(
        descriptor: socket.descriptor, on: loop, options: .init(backlog: 128),
        onError: { [self] in onError($1) }, onConnection: { [self] in serve($1) })
      listeners.append(listener)
      return "socket=\(listener.localAddress.path ?? "\(listener.localAddress)")"
    }
  }

  private func serve(_ connection: StreamConnection) {
    scrapers += 1
    if scrapers >= Self.mostScrapers { listeners.forEach { $0.pauseAccepting() } }
    var head: [UInt8] = []
    var isAnswered = false
    func answer(_ response: HTTPResponse, toHead isHead: Bool = false) {
      isAnswered = true
      let bytes = response.bytes(toHead: isHead, at: WallClock.nanoseconds / 1_000_000_000)
      do throws(UVError) { try connection.write(bytes) } catch { return connection.close() }
      connection.closeGracefully(within: Self.patience)
    }
    let timer = LoopTimer.after(Self.patience, on: loop) { _ in
      if isAnswered { return }
      if head.isEmpty { connection.close() } else { answer(HTTPResponse(.timedOut)) }
    }
    connection.start(
      .init(
        onData: { [self] _, bytes in
          guard !isAnswered else { return }
          unsafe bytes.withUnsafeBytes { unsafe head.append(contentsOf: $0) }
          do throws(HTTPRefusal) {
            guard case .frame(let request, _) = try Self.decode(head) else { return }
            answer(respond(to: request), toHead: request.method == "HEAD")
          } catch {
            answer(HTTPResponse(error))
          }
        },
        onEnd: { connection in if !isAnswered { connection.close() } },
        onClose: { [self] _, _ in
          timer.cancel()
          scrapers -= 1
          listeners.forEach { $0.resumeAccepting() }
        }))
  }

  private static func decode(_ head: [UInt8]) throws(HTTPRefusal) -> Decoded<HTTPRequest> {
    unsafe try HTTPRequestDecoder().decode(head.span.bytes)
  }

  private func respond(to request: HTTPRequest) -> HTTPResponse {
    guard ["/metrics", "/healthz"].contains(request.path) else { return HTTPResponse(.notFound) }
    guard ["GET", "HEAD"].contains(request.method) else { return HTTPResponse(.methodNotAllowed) }
    if request.path == "/metrics" {
      return HTTPResponse(
        status: "200 OK", contentType: MetricsText.contentType, body: pages.metrics())
    }
    if let complaint = pages.complaint() {
      return HTTPResponse(status: "503 Service Unavailable", line: complaint)
    }
    return HTTPResponse(status: "200 OK", line: "ok")
  }
}
