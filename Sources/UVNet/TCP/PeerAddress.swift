/// The address of a connection's peer, kept because the system forgets it at the close.
///
/// It is one word for IPv4, because ten thousand idle connections hold one each.
enum PeerAddress {
  case unknown
  case v4(UInt32, port: UInt16)
  case other(Boxed)

  final class Boxed {
    let address: SocketAddress
    init(_ address: SocketAddress) { self.address = address }
  }

  init(_ address: SocketAddress?) {
    guard let address = address?.unmapped else {
      self = .unknown
      return
    }
    switch address.address.storage {
    case .v4(let bits): self = .v4(bits, port: address.port)
    case .v6: self = .other(Boxed(address))
    }
  }

  var address: SocketAddress? {
    switch self {
    case .unknown: nil
    case .v4(let bits, let port): SocketAddress(IPAddress(storage: .v4(bits)), port: port)
    case .other(let boxed): boxed.address
    }
  }
}
