#if TLS
  internal import COpenSSL
  internal import Synchronization

  /// Sessions that a client may resume, one for each peer.
  ///
  /// A session is given away once, as RFC 8446 appendix C.4 recommends.
  @safe final class SessionCache: Sendable {
    /// OpenSSL's session; its owner frees it.
    @safe private struct Entry: @unchecked Sendable {
      let session: OpaquePointer
    }

    private struct State {
      var sessions: [String: Entry] = [:]
      /// The peers in the order in which their sessions came.
      var order: [String] = []
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    deinit {
      state.withLock { state in
        for entry in state.sessions.values { unsafe SSL_SESSION_free(entry.session) }
      }
    }

    /// Keeps a session in place of an older one.
    ///
    /// - Returns: Whether it was kept; the caller's reference belongs to the cache then.
    func insert(_ session: OpaquePointer, for peer: String) -> Bool {
      guard limit > 0 else { return false }
      let entry = unsafe Entry(session: session)
      let dropped = state.withLock { state -> [Entry] in
        var dropped: [Entry] = []
        if let old = state.sessions.updateValue(entry, forKey: peer) {
          dropped.append(old)
        } else {
          state.order.append(peer)
        }
        if state.order.count > limit,
          let old = state.sessions.removeValue(forKey: state.order.removeFirst())
        {
          dropped.append(old)
        }
        return dropped
      }
      for entry in dropped { unsafe SSL_SESSION_free(entry.session) }
      return true
    }

    /// Takes the peer's session, to be freed by the caller.
    func take(for peer: String) -> OpaquePointer? {
      let entry = state.withLock { state -> Entry? in
        guard let entry = state.sessions.removeValue(forKey: peer) else { return nil }
        state.order.removeAll { $0 == peer }
        return entry
      }
      return unsafe entry?.session
    }
  }
#endif
