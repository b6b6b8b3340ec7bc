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
    package var onTCPConnection: (TCPConnection) -> Void
    package var onUnixConnection: (UnixConnection) -> Void

    package init(
      onError: @escaping (UVError) -> Void,
      onTCPConnection: @escaping (TCPConnection) -> Void,
      onUnixConnection: @escaping (UnixConnection) -> Void
    ) {
      self.onError = onError
      self.onTCPConnection = onTCPConnection
      self.onUnixConnection = onUnixConnection
    }
  }

  /// How to listen, and what accepted connections inherit.
  package struct Options: Equatable {
    package var tcp = TCPListener.Options()
    package var unix = UnixListener.Options()

    package init(tcp: TCPListener.Options, unix: UnixListener.Options) {
      self.tcp = tcp
      self.unix = unix
    }
  }

  /// The sockets that the service manager has opened.
  package let inherited: [InheritedSocket]
  package private(set) var tcp: [TCPListener] = []
  package private(set) var unix: [UnixListener] = []
  private let loop: EventLoop
  private let diagnostics: Diagnostics
  private let verb: String

  /// - Parameters:
  ///   - verb: The first word of the line that says where a socket is.
  ///   - inherited: The sockets that the service manager has opened.
  ///   - loop: The loop to listen on.
  ///   - diagnostics: Where the operator reads.
  package init(
    _ verb: String, inherited: [InheritedSocket], on loop: EventLoop, diagnostics: Diagnostics
  ) {
    self.verb = verb
    self.inherited = inherited
    self.loop = loop
    self.diagnostics = diagnostics
  }

  /// Opens the sockets, or takes over those of the service manager.
  ///
  /// - Parameters:
  ///   - places: Where to listen; not used where there are sockets of the service manager.
  ///   - options: How to listen.
  ///   - exposure: What protects those sockets that are reached from other machines.
  ///   - handlers: What takes connections; held until the listeners are closed.
  /// - Throws: Why one of them cannot be opened; those before it are open then.
  package func open(
    at places: ListeningPlaces, _ options: Options, _ exposure: Exposure, _ handlers: Handlers
  ) throws(ListenFailure) {
    guard inherited.isEmpty else {
      for socket in inherited { try takeOver(socket, options, exposure, handlers) }
      return
    }
    if let address = places.tcp {
      do throws(UVError) {
        add(
          try TCPListener.listen(
            at: address, on: loop, options: options.tcp,
            onError: { handlers.onError($1) },
            onConnection: { handlers.onTCPConnection($1) }), exposure)
      } catch {
        throw ListenFailure(error, at: address)
      }
    }
    if let address = places.unix {
      do throws(UVError) {
        add(
          try UnixListener.listen(
            at: address, on: loop, options: options.unix,
            onError: { handlers.onError($1) },
            onConnection: { handlers.onUnixConnection($1) }))
      } catch {
        throw ListenFailure(error, address)
      }
    }
  }

  private func takeOver(
    _ socket: InheritedSocket, _ options: Options, _ exposure: Exposure, _ handlers: Handlers
  ) throws(ListenFailure) {
    do throws(UVError) {
      switch socket.kind {
      case .tcp:
        add(
          try TCPListener.adopt(
            descriptor: socket.descriptor, on: loop, options: options.tcp,
            onError: { handlers.onError($1) },
            onConnection: { handlers.onTCPConnection($1) }), exposure)
      case .unix:
        add(
          try UnixListener.adopt(
            descriptor: socket.descriptor, on: loop, options: options.unix,
            onError: { handlers.onError($1) },
            onConnection: { handlers.onUnixConnection($1) }))
      }
    } catch {
      throw ListenFailure(error, socket)
    }
  }

  private func add(_ listener: TCPListener, _ exposure: Exposure) {
    tcp.append(listener)
    for error in listener.refusedOptions {
      diagnostics.report(.warning, "going on without an option of connections: \(error)")
    }
    let bound = listener.localAddress
    if let notice = exposure.notice(of: bound) { diagnostics.report(notice.level, notice.text) }
    diagnostics.print(.info, "\(verb) address=\(bound.host) port=\(bound.port)")
  }

  private func add(_ listener: UnixListener) {
    unix.append(listener)
    diagnostics.print(.info, "\(verb) socket=\(listener.localAddress.setting.escapedForTerminal)")
  }

  private var all: [StreamListener] { tcp + unix }

  /// Whether accepted connections inherit these options, and not older ones.
  package func have(_ options: Options) -> Bool {
    tcp.allSatisfy { $0.options == options.tcp } && unix.allSatisfy { $0.options == options.unix }
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
