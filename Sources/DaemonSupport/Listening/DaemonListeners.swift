package import TestTaskProgramBasics
package import UVNet

/// The listening sockets of a daemon: those that its settings name, or in their place those that the
/// service manager has opened.
///
/// Where each is, and what is wrong with it, is said on standard error.
package final class DaemonListeners {
  /// What takes connections.
  package struct Handlers {
    /// Accepting a connection has failed; the listeners go on.
    package var onError: (UVError) -> Void
    /// A connection goes on without an option that it was to have; its peer may be gone already.
    package var onRefusedOption: ((UVError) -> Void)?
    package var onConnection: (StreamConnection, Peer) -> Void

    package init(
      onError: @escaping (UVError) -> Void,
      onRefusedOption: ((UVError) -> Void)? = nil,
      onConnection: @escaping (StreamConnection, Peer) -> Void
    ) {
      self.onError = onError
      self.onRefusedOption = onRefusedOption
      self.onConnection = onConnection
    }
  }

  /// How to listen, and what accepted connections have.
  package struct Options: Equatable {
    package var backlog = 511
    /// Whether other processes may listen at the same port.
    package var reusePort = false
    /// The permissions of a Unix socket's file.
    package var socketMode: UInt32 = 0o660
    /// `nil` for the system's.
    package var silence: SilenceLimits?
    /// `nil` for the library's.
    package var output: OutputLimits?

    package init() {}

    var tcp: TCPListener.Options {
      TCPListener.Options(
        backlog: backlog, reusePort: reusePort, connections: silence?.options ?? TCPOptions(),
        writeLimits: writeLimits)
    }
    var unix: UnixListener.Options {
      UnixListener.Options(backlog: backlog, mode: socketMode, writeLimits: writeLimits)
    }
    var writeLimits: StreamConnection.WriteLimits {
      output.map { StreamConnection.WriteLimits($0) } ?? StreamConnection.WriteLimits()
    }
  }

  /// The sockets that the service manager has opened.
  package let inherited: [InheritedSocket]
  package private(set) var tcp: [TCPListener] = []
  package private(set) var unix: [UnixListener] = []
  /// What protects those sockets that are reached from other machines; the operator is told when they are
  /// opened, and when it changes.
  package var exposure: Exposure {
    didSet { if exposure != oldValue { for listener in tcp { warnOfExposure(of: listener) } } }
  }
  /// What accepted connections have; new options take effect with the next one.
  package var options: Options {
    didSet {
      inheritsOptions =
        tcp.allSatisfy { $0.options == options.tcp }
        && unix.allSatisfy { $0.options == options.unix }
    }
  }
  /// Whether the listeners were opened with the present options, so that accepted connections have them
  /// already.
  private(set) var inheritsOptions = true
  /// The only handler that is kept here: the others are dropped when the listeners close, with what they
  /// hold.
  private var onRefusedOption: ((UVError) -> Void)?
  private let loop: EventLoop
  private let diagnostics: Diagnostics
  private let verb: String

  /// - Parameters:
  ///   - verb: The first word of the line that says where a socket is.
  ///   - inherited: The sockets that the service manager has opened.
  ///   - options: How to listen.
  ///   - exposure: What protects those sockets that are reached from other machines.
  ///   - loop: The loop to listen on.
  ///   - diagnostics: Where the operator reads.
  package init(
    _ verb: String, inherited: [InheritedSocket], _ options: Options, _ exposure: Exposure,
    on loop: EventLoop, diagnostics: Diagnostics
  ) {
    self.verb = verb
    self.inherited = inherited
    self.options = options
    self.exposure = exposure
    self.loop = loop
    self.diagnostics = diagnostics
  }

  /// Opens the sockets, or takes over those of the service manager.
  ///
  /// - Parameters:
  ///   - places: Where to listen; not asked where there are sockets of the service manager.
  ///   - handlers: What takes connections; held until the listeners are closed.
  /// - Throws: Why one of them cannot be opened; those before it are open then.
  package func open(
    at places: @autoclosure () throws(ListenFailure) -> ListeningPlaces, _ handlers: Handlers
  ) throws(ListenFailure) {
    onRefusedOption = handlers.onRefusedOption
    guard inherited.isEmpty else {
      for socket in inherited { try takeOver(socket, handlers) }
      return
    }
    let places = try places()
    if let address = places.tcp {
      do throws(UVError) {
        add(
          try TCPListener.listen(
            at: address, on: loop, options: options.tcp,
            onError: { handlers.onError($1) }, onConnection: { [self] in accept($1, handlers) }))
      } catch {
        throw ListenFailure(error, at: address)
      }
    }
    if let address = places.unix {
      do throws(UVError) {
        add(
          try UnixListener.listen(
            at: address, on: loop, options: options.unix,
            onError: { handlers.onError($1) }, onConnection: { [self] in accept($1, handlers) }))
      } catch {
        throw ListenFailure(error, address)
      }
    }
  }

  private func takeOver(
    _ socket: InheritedSocket, _ handlers: Handlers
  ) throws(ListenFailure) {
    do throws(UVError) {
      switch socket.kind {
      case .tcp:
        add(
          try TCPListener.adopt(
            descriptor: socket.descriptor, on: loop, options: options.tcp,
            onError: { handlers.onError($1) }, onConnection: { [self] in accept($1, handlers) }))
      case .unix:
        add(
          try UnixListener.adopt(
            descriptor: socket.descriptor, on: loop, options: options.unix,
            onError: { handlers.onError($1) }, onConnection: { [self] in accept($1, handlers) }))
      }
    } catch {
      throw ListenFailure(error, socket)
    }
  }

  private func accept(_ connection: TCPConnection, _ handlers: Handlers) {
    if !inheritsOptions { applyOptions(to: connection) }
    handlers.onConnection(connection, .tcp(connection.remoteAddress))
  }

  private func accept(_ connection: UnixConnection, _ handlers: Handlers) {
    if !inheritsOptions { applyOptions(to: connection) }
    handlers.onConnection(connection, .unix(connection.peerCredentials))
  }

  /// Gives the present options to a connection that was accepted with older ones.
  package func applyOptions(to connection: StreamConnection) {
    connection.writeLimits = options.writeLimits
    guard let connection = connection as? TCPConnection else { return }
    do throws(UVError) {
      try connection.setOptions(options.tcp.connections)
    } catch {
      onRefusedOption?(error)
    }
  }

  private func add(_ listener: TCPListener) {
    tcp.append(listener)
    for error in listener.refusedOptions {
      diagnostics.report(.warning, "going on without an option of connections: \(error)")
    }
    let bound = listener.localAddress
    warnOfExposure(of: listener)
    diagnostics.print(.info, "\(verb) address=\(bound.host) port=\(bound.port)")
  }

  private func warnOfExposure(of listener: TCPListener) {
    guard let notice = exposure.notice(of: listener.localAddress) else { return }
    diagnostics.report(notice.level, notice.text)
  }

  private func add(_ listener: UnixListener) {
    unix.append(listener)
    diagnostics.print(.info, "\(verb) socket=\(listener.localAddress.setting.escapedForTerminal)")
  }

  private var all: [StreamListener] { tcp + unix }

  /// Whether other processes listen at the same places, or may: by `SO_REUSEPORT`, or since the sockets
  /// are the service manager's.
  package var areShared: Bool { !inherited.isEmpty || options.reusePort && !tcp.isEmpty }

  /// Adds to a line of the log where the daemon listens.
  package func addFields(to line: inout LogText) {
    if !inherited.isEmpty { return line.add("inherited_sockets", inherited.count) }
    if let address = tcp.first?.localAddress {
      line.add("address", address.host)
      line.add("port", Int(address.port))
    }
    if let address = unix.first?.localAddress { line.add("socket", address.setting) }
  }

  /// Accepts nothing for now; new connections wait with the system.
  package func pause() { for listener in all { listener.pauseAccepting() } }

  /// Accepts again.
  package func resume() { for listener in all { listener.resumeAccepting() } }

  /// Takes no new connections that others can have, and as few as possible are lost: other processes
  /// listen at the same port, or on the service manager's sockets.
  package func leaveToOthers() {
    // The queue of a socket of the service manager's stays where it is.
    guard inherited.isEmpty else { return close() }
    for listener in tcp {
      // What comes between the last accepting and the close, and handshakes that have begun, the kernel
      // moves.
      if Self.kernelMovesQueues {
        listener.closeAfterAccepting()
        continue
      }
      do throws(UVError) {
        try listener.leaveNewConnectionsToOthers()
      } catch {
        // Now and not later: who is accepted from now on might have no time to ask.
        listener.closeAfterAccepting()
        diagnostics.report(
          .warning,
          "connections that come in this moment may be lost: \(error); "
            + "net.ipv4.tcp_migrate_req=1 keeps them")
      }
    }
  }

  /// Whether Linux gives what waits for a listener that is closed to another one at its port: the sysctl
  /// `net.ipv4.tcp_migrate_req`, from Linux 5.14 on.
  private static var kernelMovesQueues: Bool {
    #if os(Linux)
      let text = try? Descriptor.readFile(
        "/proc/sys/net/ipv4/tcp_migrate_req", limit: 1 << 20, isPrivate: false)
      return text?.first == UInt8(ascii: "1")
    #else
      false
    #endif
  }

  /// Listens no longer; closing again does nothing.
  package func close() { for listener in all { listener.close() } }
}

extension UnixAddress {
  /// As settings write it.
  fileprivate var setting: String { path ?? abstractName.map { "@" + $0 } ?? "" }
}
