#if TLS
  public import UVNet

  extension StreamConnection {
    /// Speaks TLS as the server of this connection from now on, before anything is read.
    ///
    /// - Parameter context: How the server speaks TLS.
    /// - Returns: What was agreed on.
    /// - Throws: Why there is no agreement: the connection is closed then. When the task is cancelled
    ///   it is `UVError.Code.canceled`, and the connection is closed as well: half a handshake
    ///   is of no use.
    @discardableResult
    public nonisolated(nonsending) final func startTLS(
      _ context: TLSServerContext
    ) async throws(UVError) -> TLSAgreement {
      try await loop.answer(during: .handshake) { give in
        startTLS(context, completion: give)
        return { self.close() }
      }
    }

    /// Speaks TLS as the client of this connection from now on, before anything is read.
    ///
    /// - Parameters:
    ///   - context: How the client speaks TLS.
    ///   - peer: Who the server has to be.
    /// - Returns: What was agreed on.
    /// - Throws: As ``startTLS(_:)`` does.
    @discardableResult
    public nonisolated(nonsending) final func startTLS(
      _ context: TLSClientContext, to peer: TLSPeerName
    ) async throws(UVError) -> TLSAgreement {
      try await loop.answer(during: .handshake) { give in
        startTLS(context, to: peer, completion: give)
        return { self.close() }
      }
    }
  }
#endif
