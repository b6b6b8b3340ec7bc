#if TLS
  internal import COpenSSL
  internal import TestTaskTestSupport
  internal import UVNet
  internal import UVNetTLS

  /// Whatever a peer sends: only what was agreed on and encrypted by the peer is ever delivered, a session
  /// that has failed stays so, and what is sent in answer is bounded.
  ///
  /// The first byte chooses who is tested and how, the second how the bytes are cut.
  func checkTLS(_ input: [UInt8]) throws(Finding) {
    var fuzzed = FuzzedInput(input)
    let choice = fuzzed.byte()
    let cut = fuzzed.byte()
    let isServer = choice & 1 == 0
    let settings = TLSSettings(choice: choice >> 3)
    switch choice >> 1 & 3 {
    case 0, 1: try checkAlone(isServer, settings, fuzzed.remainder(), cut)
    case 2: try checkChanged(settings, &fuzzed, cut)
    default: try checkAfterwards(isServer, settings, fuzzed.remainder(), cut)
    }
  }

  /// A session whose peer is the fuzzer.
  private func checkAlone(
    _ isServer: Bool, _ settings: TLSSettings, _ stream: [UInt8], _ cut: UInt8
  ) throws(Finding) {
    let side = try TLSSide(isServer ? settings.makeServer : settings.makeClient)
    try side.receive([])
    for piece in cutUp(stream, by: cut) { try side.receive(Array(piece)) }
    try require(!side.session.isEstablished, "established with somebody who has no key")
    try require(side.received.isEmpty, "delivered \(side.received)")
    try require(throwsError { try side.session.write([1].span.bytes) }, "written too early")
    try side.endInput()
    try require(side.failure != nil, "the end of the input is no failure")
    try require(side.sentCount <= 16384, "\(side.sentCount) bytes in answer")
  }

  /// A client and a server, between whom some bytes are changed.
  private func checkChanged(
    _ settings: TLSSettings, _ fuzzed: inout FuzzedInput, _ cut: UInt8
  ) throws(Finding) {
    let server = try TLSSide(settings.makeServer)
    let client = try TLSSide(settings.makeClient)
    var changes: [Change] = []
    while !fuzzed.isEmpty, changes.count < 8 { changes.append(Change(&fuzzed)) }
    try client.receive([])
    for sent in ["", "from the client", "and more of that"] {
      if !sent.isEmpty, client.session.isEstablished, client.failure == nil {
        _ = throwsError { try client.session.write(Array(sent.utf8).span.bytes) }
      }
      while !client.outgoing.isEmpty || !server.outgoing.isEmpty {
        for (from, to) in [(client, server), (server, client)] {
          var bytes = from.takeOutgoing()
          for change in changes where change.isToServer == (to === server) {
            change.apply(to: &bytes, from: from.sentCount - bytes.count)
          }
          for piece in cutUp(bytes, by: cut) { try to.receive(Array(piece)) }
        }
      }
    }
    let text = Array("from the clientand more of that".utf8)
    try require(text.starts(with: server.received), "the server got \(server.received)")
    try require(client.received.isEmpty, "the client got \(client.received)")
    if changes.isEmpty {
      try require(server.received == text, "\(String(describing: client.failure))")
    }
  }

  /// A session that is established, and then hears from the fuzzer.
  private func checkAfterwards(
    _ isServer: Bool, _ settings: TLSSettings, _ stream: [UInt8], _ cut: UInt8
  ) throws(Finding) {
    let server = try TLSSide(settings.makeServer)
    let client = try TLSSide(settings.makeClient)
    try client.receive([])
    while !client.outgoing.isEmpty || !server.outgoing.isEmpty {
      try server.receive(client.takeOutgoing())
      try client.receive(server.takeOutgoing())
    }
    let side = isServer ? server : client
    try require(side.session.isEstablished, "\(String(describing: side.failure))")
    for piece in cutUp(stream, by: cut) { try side.receive(Array(piece)) }
    try require(side.received.isEmpty, "delivered \(side.received)")
    try require(!side.hasEnded, "an end that nobody has sent")
    try side.endInput()
    try require(side.failure != nil, "the end of the input is no failure")
  }

  /// One byte of a stream that becomes another, or is lost, or comes twice.
  private struct Change {
    let isToServer: Bool
    private let position: Int
    private let kind: UInt8
    private let value: UInt8

    init(_ fuzzed: inout FuzzedInput) {
      let first = fuzzed.byte()
      isToServer = first & 1 == 0
      kind = first >> 1 & 3
      position = Int(first >> 3) << 8 | Int(fuzzed.byte())
      value = fuzzed.byte()
    }

    /// Changes `bytes`, which begin at `start` of the stream.
    func apply(to bytes: inout [UInt8], from start: Int) {
      let index = position - start
      guard bytes.indices.contains(index) else { return }
      switch kind {
      case 0, 1: bytes[index] = value
      case 2: bytes.remove(at: index)
      default: bytes.insert(bytes[index], at: index)
      }
    }
  }

  /// One side of a connection between memories.
  private final class TLSSide {
    let session: TLSSession
    private(set) var outgoing: [UInt8] = []
    private(set) var sentCount = 0
    private(set) var received: [UInt8] = []
    private(set) var hasEnded = false
    private(set) var failure: UVError?
    private var finding: Finding?

    init(_ make: () throws -> TLSSession) throws(Finding) {
      do { session = try make() } catch { throw Finding(message: "no session: \(error)") }
      session.send = { [unowned self] records in
        records.withUnsafeBytes { outgoing.append(contentsOf: $0) }
        sentCount += records.byteCount
      }
    }

    func takeOutgoing() -> [UInt8] {
      defer { outgoing = [] }
      return outgoing
    }

    func receive(_ records: [UInt8]) throws(Finding) {
      var used = 0
      withUnsafeTemporaryAllocation(byteCount: 512, alignment: 16) { buffer in
        used = records.withUnsafeBytes { records in
          session.receive(records, into: buffer) { event in
            note(event, in: UnsafeRawBufferPointer(buffer))
            return true
          }
        }
      }
      if let finding { throw finding }
      let isOver = hasEnded || failure != nil
      try require(used <= records.count, "used \(used) of \(records.count)")
      try require(isOver || used == records.count, "left \(records.count - used) bytes")
    }

    func endInput() throws(Finding) {
      note(session.inputEnded(), in: UnsafeRawBufferPointer(start: nil, count: 0))
      if let finding { throw finding }
    }

    private func note(_ event: TLSSession.Event, in buffer: UnsafeRawBufferPointer) {
      if let failure, event != .failed(failure) {
        finding = Finding(message: "\(event) after \(failure)")
      }
      switch event {
      case .data(let count):
        if hasEnded || !session.isEstablished { finding = Finding(message: "data at a wrong time") }
        received.append(contentsOf: buffer[..<count])
      case .ended: hasEnded = true
      case .failed(let error): failure = error
      case .established, .needsInput: break
      }
    }
  }

  /// How both sides speak, by a few bits.
  private struct TLSSettings {
    private let asksClients: Bool
    private let only1_3: Bool
    private let peerBefore1_3: Bool

    init(choice: UInt8) {
      asksClients = choice & 1 != 0
      only1_3 = choice & 2 != 0
      peerBefore1_3 = choice & 6 == 4
    }

    func makeServer() throws -> TLSSession {
      try TLSSession(asksClients ? TLSWorld.get().askingServer : TLSWorld.get().server)
    }

    func makeClient() throws -> TLSSession {
      let world = try TLSWorld.get()
      let session = try TLSSession(
        only1_3 ? world.client1_3 : world.client, to: .host("localhost"))
      if peerBefore1_3 { session.withRaw { _ = cssl_set_highest_version($0, TLS1_2_VERSION) } }
      return session
    }
  }

  /// Contexts, made once.
  private struct TLSWorld {
    let server: TLSServerContext
    let askingServer: TLSServerContext
    let client: TLSClientContext
    let client1_3: TLSClientContext

    private static let shared = Result { try TLSWorld() }

    static func get() throws -> TLSWorld { try shared.get() }

    private init() throws {
      // For as long as anybody fuzzes.
      let lasting = 100 * 86400
      let authority = try TestCertificate.authority(validTo: lasting)
      let certificate = try TestCertificate(by: authority) { $0.validTo = lasting }
      let identity = try TLSIdentity(certificates: certificate.pem, key: certificate.keyPEM)
      let trust = try TLSTrust.certificates(authority.pem)
      var server = TLSServerOptions(identity: identity)
      server.applicationProtocols = ["echo"]
      self.server = try TLSServerContext(server)
      server.clientCertificates = .required(trust)
      askingServer = try TLSServerContext(server)
      var client = TLSClientOptions()
      client.trust = trust
      client.identity = identity
      client.applicationProtocols = ["echo"]
      client.rememberedSessions = 0
      self.client = try TLSClientContext(client)
      client.minimumVersion = .v1_3
      client1_3 = try TLSClientContext(client)
    }
  }

  private func throwsError(_ body: () throws -> Void) -> Bool {
    do { try body() } catch { return true }
    return false
  }
#endif
