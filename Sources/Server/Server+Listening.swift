import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

extension Server {
  /// Opens the listening sockets, and says on standard error where each is.
  func listen() throws(ListenFailure) {
    let handlers = makeHandlers()
    let places = try configuration.placesToListen
    if let address = places.tcp {
      do throws(UVError) {
        try listen(at: address, handlers)
      } catch {
        throw ListenFailure(error, configuration)
      }
    }
    if let socket = places.unix {
      do throws(UVError) {
        try listen(at: socket, handlers)
      } catch {
        throw ListenFailure(error, socket)
      }
    }
  }

  private func listen(
    at address: SocketAddress, _ handlers: StreamConnection.Handlers
  ) throws(UVError) {
    let listener = try TCPListener.listen(
      at: address, on: loop, options: tcpOptions,
      onError: { [unowned self] _, error in acceptFailed(error) },
      onConnection: { [unowned self] _, connection in
        accept(
          connection, from: connection.remoteAddress?.description ?? "unknown", handlers,
          securedBy: tls)
      })
    tcpListener = listener
    for error in listener.refusedOptions { output.diagnostics.report(.warning, .refused(error)) }
    let bound = listener.localAddress
    if !bound.isLoopback { warnBeyondLoopback(bound) }
    output.diagnostics.print(.info, "listening address=\(bound.host) port=\(bound.port)")
  }

  private func listen(
    at address: UnixAddress, _ handlers: StreamConnection.Handlers
  ) throws(UVError) {
    unixListener = try UnixListener.listen(
      at: address, on: loop, options: unixOptions,
      onError: { [unowned self] _, error in acceptFailed(error) },
      onConnection: { [unowned self] _, connection in
        accept(
          connection, from: "unix:" + (connection.peerCredentials?.description ?? "unknown"),
          handlers)
      })
    output.diagnostics.print(.info, "listening socket=\(configuration.socket.escapedForTerminal)")
  }

  /// Says who may reach the server now, and what stands before it.
  private func warnBeyondLoopback(_ address: SocketAddress) {
    switch tls?.asksClients {
    case true?:
      output.diagnostics.report(
        .info, "listening beyond loopback on \(address): TLS, for clients with a certificate alone")
    case false?:
      output.diagnostics.report(
        .warning,
        "LISTENING BEYOND LOOPBACK on \(address): TLS hides what is said, but without client_ca "
          + "everybody who can reach this address is served")
    case nil: output.diagnostics.report(.warning, .beyondLoopback(address))
    }
  }

  private func acceptFailed(_ error: UVError) {
    core.acceptFailed(error.description)
    performActions()
  }

  func stopListening() {
    tcpListener?.close()
    unixListener?.close()
  }

  /// How to listen by TCP, and what accepted connections inherit.
  var tcpOptions: TCPListener.Options {
    TCPListener.Options(
      backlog: configuration.backlog, connections: TCPOptions(configuration.silenceLimits),
      limits: StreamConnection.WriteLimits(configuration.outputLimits))
  }

  private var unixOptions: UnixListener.Options {
    UnixListener.Options(
      backlog: configuration.backlog, mode: configuration.socketMode,
      limits: StreamConnection.WriteLimits(configuration.outputLimits))
  }

  /// Whether the listeners have today's settings, which accepted connections inherit.
  var listenersAreUpToDate: Bool {
    (tcpListener.map { $0.options == tcpOptions } ?? true)
      && (unixListener.map { $0.options == unixOptions } ?? true)
  }
}

extension TCPOptions {
  fileprivate init(_ limits: SilenceLimits) {
    self.init(
      keepAlive: KeepAlive(
        idle: limits.beforeFirstProbe, interval: limits.betweenProbes, count: limits.probes),
      userTimeout: limits.unacknowledged)
  }
}

extension String {
  fileprivate static func refused(_ option: UVError) -> String {
    "going on without an option of connections: \(option)"
  }

  fileprivate static func beyondLoopback(_ address: SocketAddress) -> String {
    "LISTENING BEYOND LOOPBACK on \(address): the protocol has no authentication, "
      + "so everybody who can reach this address is served"
  }
}
