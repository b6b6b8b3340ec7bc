package import TestTaskDaemonSupport
internal import TestTaskProgramBasics

extension ServerCore {
  /// What comes next on a connection; `nil` when its client is served.
  func nextStep(of place: Int) -> Opening.Step? {
    clients.read(place) { $0.opening.next } ?? nil
  }

  /// Asks for the next step on a connection, or for its client to be served.
  mutating func advance(_ place: Int, _ session: SecuredSession? = nil) {
    switch nextStep(of: place) {
    case .proxyHeader:
      let patience = Duration.seconds(configuration.proxyTimeoutSeconds)
      actions.append(.readProxyHeader(place, within: patience))
    case .handshake: actions.append(.secure(place))
    case nil:
      if let event = arrival(at: place, session) { actions.append(.serve(place, event)) }
    }
  }

  /// A proxy has said who the client is.
  ///
  /// - Parameters:
  ///   - place: The client's place.
  ///   - client: Its address, as the log has it; `nil` where the proxy speaks for itself, or does not
  ///     know: then the client is known by the proxy's address.
  package mutating func introduced(_ place: Int, as client: String?) {
    finishStep(.proxyHeader, of: place) { known in
      guard let client else { return }
      known.proxy = known.peer
      known.peer = client
    }
  }

  /// A client's handshake is over.
  package mutating func secured(_ place: Int, _ session: SecuredSession) {
    finishStep(.handshake, of: place, session) { _ in }
  }

  /// What a proxy has sent is no header.
  package mutating func headerRefused(_ place: Int, error: String, at now: UInt64) {
    guard nextStep(of: place) == .proxyHeader else { return }
    leave(place, .violation, .done, violation: .proxyHeader, error: error, at: now)
    endIfDrained()
  }

  private mutating func finishStep(
    _ step: Opening.Step, of place: Int, _ session: SecuredSession? = nil,
    _ change: (inout Client) -> Void
  ) {
    let isDone = clients.update(place) { client in
      guard client.opening.finish(step) else { return false }
      change(&client)
      return true
    }
    guard isDone == true else { return }
    advance(place, session)
  }

  /// A client that leaves before it is served has a line for its coming, too.
  ///
  /// - Returns: Whether it was not served yet: then there is nothing that it could still be sent.
  mutating func abandonOpening(of place: Int) -> Bool {
    guard nextStep(of: place) != nil, let event = arrival(at: place, nil) else { return false }
    actions.append(.log(.info, event))
    return true
  }

  /// What the log says of a client that has come.
  private func arrival(at place: Int, _ session: SecuredSession?) -> LogEvent? {
    let count = clients.count
    return clients.read(place) { client -> LogEvent in
      guard let session else {
        return .connect(
          conn: client.number, peer: client.peer, via: client.proxy, clients: count)
      }
      return .securedConnect(
        conn: client.number, peer: client.peer, via: client.proxy, clients: count, session)
    }
  }

  /// A connection is closed whose client was not served yet.
  ///
  /// - Returns: Whether there was such a client.
  mutating func closedWhileOpening(_ place: Int, _ end: ConnectionEnd, at now: UInt64) -> Bool {
    switch (nextStep(of: place), end) {
    case (nil, _): return false
    // One that only looks whether somebody listens, as load balancers do.
    case (.proxyHeader, .ended): leave(place, .eof, .done, at: now)
    case (.proxyHeader, .reset): leave(place, .reset, .done, at: now)
    default: leave(place, .handshake, .done, error: end.failure?.description, at: now)
    }
    endIfDrained()
    return true
  }
}
