/// Reads a ``ProxyHeader`` as if it were a handshake; then the connection goes on without it.
final class ProxyHeaderTransform: StreamTransform {
  private let decoder: ProxyHeaderDecoder
  /// What has come so far: the beginning of a header, and in the end what came behind it.
  private var bytes: [UInt8] = []
  private(set) var header: ProxyHeader?

  init(maximumLength: Int) { decoder = ProxyHeaderDecoder(maximumLength: maximumLength) }

  func begin(on connection: StreamConnection) {}

  func receive(_ bytes: RawSpan, on connection: StreamConnection) {
    unsafe bytes.withUnsafeBytes { unsafe self.bytes.append(contentsOf: $0) }
    guard header == nil else { return }
    do throws(ProxyHeaderError) {
      guard case .frame(let header, let consumed) = try decode() else { return }
      self.header = header
      self.bytes.removeFirst(consumed)
      connection.transformIsReady()
    } catch {
      connection.fail(with: UVError(error))
    }
  }

  private func decode() throws(ProxyHeaderError) -> Decoded<ProxyHeader> {
    let bytes = bytes
    return unsafe try decoder.decode(bytes.span.bytes)
  }

  /// What has come behind the header.
  func takeRest() -> [UInt8] {
    defer { bytes = [] }
    return bytes
  }

  func receiveSocketEnd(on connection: StreamConnection) {
    // A proxy that only looks whether somebody listens says nothing at all.
    if bytes.isEmpty { connection.close(.peer) } else { connection.fail(with: UVError(.truncated)) }
  }

  // Nothing is delivered or written before it is taken away.
  func resume(on connection: StreamConnection) {}
  func write(_ bytes: RawSpan, on connection: StreamConnection) throws(UVError) {}
  func end(on connection: StreamConnection) {}
}

extension UVError {
  fileprivate init(_ error: ProxyHeaderError) {
    self.init(
      .protocolError, during: .handshake, domain: .library, detail: error.description)
  }
}
