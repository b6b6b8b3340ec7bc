/// An answer of the server; its text is as received, to be escaped before it is shown.
enum Answer: Hashable {
  /// The server's time, whatever it says.
  case fast(serverTime: String)
  /// How many clients were connected when the server got the request.
  case slow(connectedClients: UInt32)

  /// Whether this is the kind of answer that the request asks for.
  func answers(_ kind: RequestKind) -> Bool {
    switch (self, kind) {
    case (.fast, .fast), (.slow, .slow): true
    default: false
    }
  }
}
