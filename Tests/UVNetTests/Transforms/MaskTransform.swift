import UVNet

/// A small protocol between socket and program, for tests of the place where TLS stands: records of a
/// type, a length of two bytes and masked bytes; a handshake, an end of its own, an alert.
///
/// The masks that both sides send in their hello are combined; a mask of 0 is refused by an alert.
final class MaskTransform: StreamTransform {
  static let domain = UVError.Domain(rawValue: "mask")
  static let cutOff = UVError.Code(rawValue: -1)
  static let refused = UVError.Code(rawValue: -2)

  enum RecordType {
    static let hello: UInt8 = 1
    static let data: UInt8 = 2
    static let end: UInt8 = 3
    static let alert: UInt8 = 4
    static let question: UInt8 = 5
  }

  private let mask: UInt8
  private var combined: UInt8?
  private var received: [UInt8] = []
  /// How far ``received`` was taken: thousands of short records are not moved for each.
  private var position = 0

  /// Whether its hello answers the peer's.
  private let isAnswering: Bool

  init(mask: UInt8, isAnswering: Bool = false) {
    self.mask = mask
    self.isAnswering = isAnswering
  }

  func begin(on connection: StreamConnection) {
    if !isAnswering { send(RecordType.hello, [mask], on: connection) }
  }

  func receive(_ bytes: RawSpan, on connection: StreamConnection) {
    received += [UInt8](bytes)
    goOn(connection)
  }

  func resume(on connection: StreamConnection) { goOn(connection) }

  func receiveSocketEnd(on connection: StreamConnection) {
    connection.fail(with: UVError(Self.cutOff, during: .read, domain: Self.domain))
  }

  func write(_ bytes: RawSpan, on connection: StreamConnection) throws(UVError) {
    let bytes = [UInt8](bytes)
    for start in stride(from: 0, to: bytes.count, by: 1000) {
      send(RecordType.data, masked(bytes[start..<min(start + 1000, bytes.count)]), on: connection)
    }
  }

  func end(on connection: StreamConnection) { send(RecordType.end, [], on: connection) }

  private func masked(_ bytes: ArraySlice<UInt8>) -> [UInt8] { bytes.map { $0 ^ (combined ?? 0) } }

  private func send(_ type: UInt8, _ bytes: [UInt8], on connection: StreamConnection) {
    let record = [type, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
    connection.send(record.span.bytes)
  }

  /// Takes one record after the other; what the program hears of only while it wants to.
  private func goOn(_ connection: StreamConnection) {
    while received.count - position >= 3, !connection.isClosing {
      let count = 3 + Int(received[position + 1]) << 8 + Int(received[position + 2])
      guard received.count - position >= count else { break }
      let type = received[position]
      if type == RecordType.data || type == RecordType.end, !connection.wantsBytes { break }
      let bytes = received[position + 3..<position + count]
      position += count
      take(type, bytes, connection)
    }
    received.removeFirst(position)
    position = 0
  }

  private func take(_ type: UInt8, _ bytes: ArraySlice<UInt8>, _ connection: StreamConnection) {
    switch type {
    case RecordType.hello:
      guard let theirs = bytes.first, theirs != 0 else {
        send(RecordType.alert, [], on: connection)
        connection.fail(with: UVError(Self.refused, during: .handshake, domain: Self.domain))
        return
      }
      if isAnswering { send(RecordType.hello, [mask], on: connection) }
      combined = mask ^ theirs
      connection.transformIsReady()
    case RecordType.data: connection.deliver(masked(bytes).span.bytes)
    case RecordType.end: connection.deliverEnd()
    case RecordType.question: send(RecordType.data, [], on: connection)
    default: connection.fail(with: UVError(Self.refused, during: .read, domain: Self.domain))
    }
  }
}
