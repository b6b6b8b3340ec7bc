import UVNet

/// Who a connection belongs to, as kept with it.
enum ConnectionRole: RawRepresentable {
  /// To a client, which has this place in the core's table.
  case client(place: Int)
  /// To nobody any more: the client of this number, 1 or more, has left, and the connection ends.
  case left(number: Int)

  init(rawValue: Int) {
    self = rawValue >= 0 ? .client(place: rawValue) : .left(number: -rawValue)
  }

  var rawValue: Int {
    switch self {
    case .client(let place): place
    case .left(let number): -number
    }
  }
}

extension StreamConnection {
  var role: ConnectionRole {
    get { tag(as: ConnectionRole.self) ?? .client(place: 0) }
    set { setTag(newValue) }
  }

  /// The client's place; only of a connection whose client has not left.
  var place: Int {
    guard case .client(let place) = role else { return -1 }
    return place
  }
}
