import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

extension Server {
  /// Opens the listening sockets, or takes over those of the service manager, and says on standard error
  /// where each is.
  func listen() throws(ListenFailure) {
    let handlers = makeHandlers()
    let isInherited = !listeners.inherited.isEmpty
    try listeners.open(
      at: isInherited ? ListeningPlaces() : try configuration.placesToListen,
      configuration.listenerOptions, exposure,
      DaemonListeners.Handlers(
        onError: { [unowned self] in acceptFailed($0) },
        onTCPConnection: { [unowned self] in acceptTCP($0, handlers) },
        onUnixConnection: { [unowned self] in acceptUnix($0, handlers) }))
    core.sharesListeners =
      isInherited || configuration.reusePort && !listeners.tcp.isEmpty
    if isInherited {
      output.diagnostics.print(
        .info,
        "these are the service manager's: address, port and socket of the settings are not used")
    }
  }

  private var exposure: Exposure {
    switch tls?.asksClients {
    case true?: .authenticated
    case false?: .encrypted
    case nil: .unprotected
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

  func acceptFailed(_ error: UVError) {
    core.acceptFailed(error.description)
    performActions()
  }
}
