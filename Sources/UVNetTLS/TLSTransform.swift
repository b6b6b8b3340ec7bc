#if TLS
  internal import UVNet

  /// TLS between a connection's socket and the program.
  final class TLSTransform: StreamTransform {
    let session: TLSSession
    /// Records that came while the program wanted nothing: what is left of one read.
    private var held: [UInt8] = []

    /// The size of the largest record's contents (RFC 8446 section 5.1).
    private static let recordSize = 16384

    init(_ session: TLSSession) { self.session = session }

    func begin(on connection: StreamConnection) {
      session.send = { [unowned connection] records in connection.send(records) }
      // A server waits for the client's first bytes. OpenSSL would make its buffers now, 34 KB, for
      // whoever connects and says nothing.
      guard session.speaksFirst else { return }
      unsafe use(UnsafeRawBufferPointer(start: nil, count: 0), on: connection)
    }

    func receive(_ bytes: RawSpan, on connection: StreamConnection) {
      let mustHold = session.isEstablished && !connection.wantsBytes
      unsafe bytes.withUnsafeBytes { records in
        if mustHold || !held.isEmpty {
          unsafe held.append(contentsOf: records)
          if !mustHold { useHeld(on: connection) }
        } else {
          let used = unsafe use(records, on: connection)
          if used < records.count { unsafe held.append(contentsOf: records[used...]) }
        }
      }
    }

    func resume(on connection: StreamConnection) { useHeld(on: connection) }

    func receiveSocketEnd(on connection: StreamConnection) {
      act(on: session.inputEnded(), connection)
    }

    func write(_ bytes: RawSpan, on connection: StreamConnection) throws(UVError) {
      try session.write(bytes)
    }

    func end(on connection: StreamConnection) { session.end() }

    /// Uses what was held; OpenSSL may have held some of it, too.
    private func useHeld(on connection: StreamConnection) {
      let records = held
      held = []
      let used = unsafe records.withUnsafeBytes { unsafe use($0, on: connection) }
      if used < records.count { held = Array(records[used...]) }
    }

    /// Uses records until the program wants no more; returns how many bytes of them were used.
    @discardableResult
    private func use(_ records: UnsafeRawBufferPointer, on connection: StreamConnection) -> Int {
      unsafe withUnsafeTemporaryAllocation(byteCount: Self.recordSize, alignment: 16) { buffer in
        unsafe session.receive(records, into: buffer) { event in
          if case .data(let count) = event {
            let bytes = unsafe UnsafeRawBufferPointer(rebasing: buffer[..<count])
            unsafe connection.deliver(bytes.bytes)
          } else {
            act(on: event, connection)
          }
          return connection.wantsBytes
        }
      }
    }

    private func act(on event: TLSSession.Event, _ connection: StreamConnection) {
      switch event {
      case .established: connection.transformIsReady()
      case .data, .needsInput: break
      case .ended: connection.deliverEnd()
      case .failed(let error): connection.fail(with: error)
      }
    }
  }
#endif
