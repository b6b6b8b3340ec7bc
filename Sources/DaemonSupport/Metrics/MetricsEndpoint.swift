package import TestTaskProgramBasics
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
  package let listeners: DaemonListeners
  private var scrapers = 0

  /// - Parameters:
  ///   - loop: The loop to serve on.
  ///   - inherited: Listening sockets that the service manager has opened for it.
  ///   - pages: What there is to see; held as long as the loop holds the listeners.
  ///   - mode: The permissions of a Unix socket's file.
  ///   - diagnostics: Where the operator reads.
  package init(
    on loop: EventLoop, inherited: [InheritedSocket] = [], _ pages: Pages, mode: UInt32 = 0o660,
    diagnostics: Diagnostics
  ) {
    self.loop = loop
    self.pages = pages
    var options = DaemonListeners.Options()
    options.backlog = 128
    options.socketMode = mode
    listeners = DaemonListeners(
      "metrics", inherited: inherited, options, .metrics, on: loop, diagnostics: diagnostics)
  }

  /// Listens until the loop ends.
  ///
  /// - Parameters:
  ///   - places: Where; not asked where there are sockets of the service manager.
  ///   - onError: Called when accepting a connection fails; the endpoint goes on.
  /// - Throws: Why one of the sockets cannot be opened.
  package func listen(
    at places: @autoclosure () throws(ListenFailure) -> ListeningPlaces,
    onError: @escaping (UVError) -> Void
  ) throws(ListenFailure) {
    try listeners.open(
      at: try places(), .init(onError: onError) { [self] connection, _ in serve(connection) })
  }

  private func serve(_ connection: StreamConnection) {
    scrapers += 1
    if scrapers >= Self.mostScrapers { listeners.pause() }
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
          listeners.resume()
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
