import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

extension Server {
  /// Opens the listening sockets, or takes over those of the service manager, and says on standard error
  /// where each is.
  func listen() throws(ListenFailure) {
    let handlers = makeHandlers()
    guard inherited.isEmpty else {
      for socket in inherited { try takeOver(socket, handlers) }
      core.sharesListeners = true
      return output.diagnostics.print(
        .info,
        "these are the service manager's: address, port and socket of the settings are not used")
    }
    let places = try configuration.placesToListen
    if let address = places.tcp {
      do throws(UVError) {
        try listen(at: address, handlers)
      } catch {
        throw ListenFailure(error, at: address)
      }
      core.sharesListeners = configuration.reusePort
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
    add(
      try TCPListener.listen(
        at: address, on: loop, options: tcpOptions,
        onError: { [unowned self] _, error in acceptFailed(error) },
        onConnection: { [unowned self] _, connection in acceptTCP(connection, handlers) }))
  }

  private func listen(
    at address: UnixAddress, _ handlers: StreamConnection.Handlers
  ) throws(UVError) {
    add(
      try UnixListener.listen(
        at: address, on: loop, options: unixOptions,
        onError: { [unowned self] _, error in acceptFailed(error) },
        onConnection: { [unowned self] _, connection in acceptUnix(connection, handlers) }))
  }

  private func takeOver(
    _ socket: InheritedSocket, _ handlers: StreamConnection.Handlers
  ) throws(ListenFailure) {
    do throws(UVError) {
      switch socket.kind {
      case .tcp:
        add(
          try TCPListener.adopt(
            descriptor: socket.descriptor, on: loop, options: tcpOptions,
            onError: { [unowned self] _, error in acceptFailed(error) },
            onConnection: { [unowned self] _, connection in acceptTCP(connection, handlers) }))
      case .unix:
        add(
          try UnixListener.adopt(
            descriptor: socket.descriptor, on: loop, options: unixOptions,
            onError: { [unowned self] _, error in acceptFailed(error) },
            onConnection: { [unowned self] _, connection in acceptUnix(connection, handlers) }))
      }
    } catch {
      throw ListenFailure(error, socket)
    }
  }

  private func acceptTCP(_ connection: TCPConnection, _ handlers: StreamConnection.Handlers) {
    let peer = connection.remoteAddress
    accept(
      connection, from: peer?.description ?? "unknown",
      isProxy: core.configuration.proxyFrom.contains(peer), securedBy: tls, handlers)
  }

  private func acceptUnix(_ connection: UnixConnection, _ handlers: StreamConnection.Handlers) {
    accept(
      connection, from: "unix:" + (connection.peerCredentials?.description ?? "unknown"),
      isProxy: core.configuration.proxyFrom.includesUnix, handlers)
  }

  private func add(_ listener: TCPListener) {
    tcpListeners.append(listener)
    for error in listener.refusedOptions { output.diagnostics.report(.warning, .refused(error)) }
    let bound = listener.localAddress
    if !bound.isLoopback { warnBeyondLoopback(bound) }
    output.diagnostics.print(.info, "listening address=\(bound.host) port=\(bound.port)")
  }

  private func add(_ listener: UnixListener) {
    unixListeners.append(listener)
    let path = inherited.isEmpty ? configuration.socket : listener.localAddress.iniText
    output.diagnostics.print(.info, "listening socket=\(path.escapedForTerminal)")
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

  func acceptFailed(_ error: UVError) {
    core.acceptFailed(error.description)
    performActions()
  }

  func stopListening() {
    for listener in tcpListeners { listener.close() }
    for listener in unixListeners { listener.close() }
  }

  /// Takes no new connections that others can have; those that this server has been given are served.
  func leaveListenersToOthers() {
    // The queue of a socket of the service manager's stays where it is.
    guard inherited.isEmpty else { return stopListening() }
    for listener in tcpListeners {
      do throws(UVError) {
        try listener.leaveNewConnectionsToOthers()
      } catch {
        output.diagnostics.report(
          .warning, "connections that come while the server ends may be lost: \(error)")
      }
    }
  }

  /// How to listen by TCP, and what accepted connections inherit.
  var tcpOptions: TCPListener.Options {
    TCPListener.Options(
      backlog: configuration.backlog, reusePort: configuration.reusePort,
      connections: TCPOptions(configuration.silenceLimits),
      limits: StreamConnection.WriteLimits(configuration.outputLimits))
  }

  private var unixOptions: UnixListener.Options {
    UnixListener.Options(
      backlog: configuration.backlog, mode: configuration.socketMode,
      limits: StreamConnection.WriteLimits(configuration.outputLimits))
  }

  /// Whether the listeners have today's settings, which accepted connections inherit.
  var listenersAreUpToDate: Bool {
    tcpListeners.allSatisfy { $0.options == tcpOptions }
      && unixListeners.allSatisfy { $0.options == unixOptions }
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

extension UnixAddress {
  /// As the ini writes it.
  fileprivate var iniText: String { path ?? abstractName.map { "@" + $0 } ?? "" }
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
