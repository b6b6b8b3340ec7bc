#if TLS
  import UVNet

  @testable import UVNetTLS

  /// A client and a server whose records go from memory to memory.
  final class TLSPair {
    final class Side {
      let session: TLSSession
      /// Records on their way to the other side.
      var outgoing: [UInt8] = []
      var received: [UInt8] = []
      var isEstablished = false
      var hasEnded = false
      var failure: UVError?

      init(_ session: TLSSession) {
        self.session = session
        session.send = { [unowned self] records in
          records.withUnsafeBytes { self.outgoing.append(contentsOf: $0) }
        }
      }

      func receive(_ records: [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: 16384, alignment: 16) { buffer in
          let used = records.withUnsafeBytes { records in
            session.receive(records, into: buffer) { event in
              note(event, in: UnsafeRawBufferPointer(buffer))
              return true
            }
          }
          _ = used
        }
      }

      func endInput() {
        note(session.inputEnded(), in: UnsafeRawBufferPointer(start: nil, count: 0))
      }

      private func note(_ event: TLSSession.Event, in buffer: UnsafeRawBufferPointer) {
        switch event {
        case .established: isEstablished = true
        case .data(let count): received.append(contentsOf: buffer[..<count])
        case .needsInput: break
        case .ended: hasEnded = true
        case .failed(let error): failure = failure ?? error
        }
      }

      func write(_ text: String) throws { try session.write(Array(text.utf8).span.bytes) }
      var text: String { String(decoding: received, as: UTF8.self) }
    }

    let client: Side
    let server: Side

    init(
      _ client: TLSClientContext, _ server: TLSServerContext,
      to peer: TLSPeerName? = nil
    ) throws {
      self.client = Side(try TLSSession(client, to: peer ?? TLSPeerName.host("localhost")))
      self.server = Side(try TLSSession(server))
    }

    /// Carries records until neither side has any, in pieces of at most `piece` bytes.
    func exchange(piece: Int = .max, change: ((inout [UInt8]) -> Void)? = nil) {
      client.receive([])
      while !client.outgoing.isEmpty || !server.outgoing.isEmpty {
        carry(from: client, to: server, piece, change)
        carry(from: server, to: client, piece, nil)
      }
    }

    private func carry(
      from: Side, to: Side, _ piece: Int, _ change: ((inout [UInt8]) -> Void)?
    ) {
      var records = from.outgoing
      from.outgoing = []
      change?(&records)
      var rest = records[...]
      while !rest.isEmpty {
        to.receive(Array(rest.prefix(piece)))
        rest = rest.dropFirst(piece)
      }
    }
  }
#endif
