import TestTaskDaemonSupport
import TestTaskServerCore
import UVNet

extension Server {
  /// Takes a connection on, or turns it away.
  ///
  /// - Parameters:
  ///   - connection: What was accepted.
  ///   - peer: Who is at the other end.
  ///   - isProxy: Whether that is one of `proxy_from`.
  ///   - tls: What secures it; `nil` for the plain protocol.
  ///   - handlers: What serves its client.
  func accept(
    _ connection: StreamConnection, from peer: String, isProxy: @autoclosure () -> Bool,
    securedBy tls: ServerTLS? = nil, _ handlers: StreamConnection.Handlers
  ) {
    let opening = Opening(
      readsHeaders: core.configuration.proxyProtocol, isProxy: isProxy(), speaksTLS: tls != nil)
    if let place = core.connected(peer: peer, opening: opening, at: now) {
      connections.insert(connection, at: place)
      if !inheritsSettings { applySettings(to: connection) }
      if opening.isEmpty {
        connection.start(handlers)
      } else {
        open(connection, tls, handlers)
      }
    } else {
      connection.close()
    }
    performActions()
  }

  /// Takes the next step before a client is served, or serves it.
  private func open(
    _ connection: StreamConnection, _ tls: ServerTLS?, _ handlers: StreamConnection.Handlers
  ) {
    switch core.nextStep(of: connection.place) {
    case .proxyHeader:
      let patience = Duration.seconds(configuration.proxyTimeoutSeconds)
      connection.readProxyHeader(within: patience) { [self] in
        headerEnded(connection, $0, tls, handlers)
      }
    case .handshake: tls?.secure(connection) { [self] in secured(connection, $0, handlers) }
    case nil: connection.start(handlers)
    }
  }

  private func headerEnded(
    _ connection: StreamConnection, _ result: Result<ProxyHeader, UVError>, _ tls: ServerTLS?,
    _ handlers: StreamConnection.Handlers
  ) {
    switch result {
    case .success(let header):
      core.introduced(connection.place, as: header.client)
      open(connection, tls, handlers)
    case .failure(let error):
      if error.code == .protocolError {
        core.headerRefused(connection.place, error: error.detail ?? error.message, at: now)
      }
      return closed(connection, connection.closeReason ?? .local)
    }
    performActions()
  }

  private func secured(
    _ connection: StreamConnection, _ session: SecuredSession?,
    _ handlers: StreamConnection.Handlers
  ) {
    guard let session else { return closed(connection, connection.closeReason ?? .local) }
    core.secured(connection.place, session)
    connection.start(handlers)
    performActions()
  }
}
