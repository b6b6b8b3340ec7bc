extension StreamConnection {
  /// Reads the header of the PROXY protocol, which a proxy sends before all else.
  ///
  /// Call it where the connection is handed over, before it is started, and only for a peer that is
  /// known to send one. When the header is there, start the connection, or have it speak TLS first: what
  /// came behind the header is not lost. ``bytesRead`` counts the header.
  ///
  /// ```swift
  /// let proxies = [IPNetwork(.loopback)]
  /// let listener = try TCPListener.listen(at: address, on: loop) { _, connection in
  ///   guard let peer = connection.remoteAddress,
  ///     proxies.contains(where: { $0.contains(peer.address) })
  ///   else { return connection.close() }
  ///   connection.readProxyHeader(within: .seconds(5)) { result in
  ///     guard case .success(let header) = result else { return }
  ///     print("client \(header.source?.description ?? "unknown") by way of \(peer)")
  ///     connection.start(echo)
  ///   }
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - timeout: How long the header may take; `nil` for ever. The specification wants 3 s or more.
  ///   - maximumLength: The most bytes of a header of version 2, as for
  ///     ``ProxyHeaderDecoder/init(maximumLength:)``.
  ///   - completion: Called once, on the loop's thread and never by this call itself: with the header;
  ///     or, after the close, with the error that has closed the connection:
  ///     ``UVError/Code/protocolError`` when it was no header, ``UVError/Code/timedOut``,
  ///     ``UVError/Code/canceled`` when the peer or this side closed it before its first byte.
  public final func readProxyHeader(
    within timeout: Duration?, maximumLength: Int = 4_096,
    completion: @escaping (Result<ProxyHeader, UVError>) -> Void
  ) {
    let transform = ProxyHeaderTransform(maximumLength: maximumLength)
    begin(transform, within: timeout) { [unowned self] result in
      switch (result, transform.header) {
      case (.success, let header?):
        removeTransform(unread: transform.takeRest())
        completion(.success(header))
      case (.success, nil):
        close()
        completion(.failure(UVError(.canceled, during: .handshake)))
      case (.failure(let error), _): completion(.failure(error))
      }
    }
  }

  /// Reads the header of the PROXY protocol, which a proxy sends before all else.
  ///
  /// As ``readProxyHeader(within:maximumLength:completion:)`` does.
  ///
  /// - Parameters:
  ///   - timeout: How long the header may take; `nil` for ever.
  ///   - maximumLength: The most bytes of a header of version 2.
  /// - Returns: The header.
  /// - Throws: Why there is none: the connection is closed then. When the task is cancelled it is
  ///   ``UVError/Code/canceled``, and the connection is closed as well: half a header is of no use.
  public nonisolated(nonsending) final func readProxyHeader(
    within timeout: Duration?, maximumLength: Int = 4_096
  ) async throws(UVError) -> ProxyHeader {
    try await loop.answer(during: .handshake) { give in
      readProxyHeader(within: timeout, maximumLength: maximumLength, completion: give)
      return { self.close() }
    }
  }
}
