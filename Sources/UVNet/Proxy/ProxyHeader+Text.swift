extension ProxyHeader {
  /// Reads a line of version 1, without `PROXY ` and its end.
  init(line: String) throws(ProxyHeaderError) {
    // Whatever follows is to be ignored (section 2.1 of the specification).
    if line == "UNKNOWN" || line.utf8.starts(with: "UNKNOWN ".utf8) {
      self.init(version: 1)
      return
    }
    let parts = line.utf8.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
      .map { Substring($0) }
    guard parts.count == 5, parts[0] == "TCP4" || parts[0] == "TCP6" else { throw .malformedLine }
    let isIPv6 = parts[0] == "TCP6"
    self.init(
      version: 1, transport: .stream,
      source: try Self.endpoint(parts[1], parts[3], isIPv6),
      destination: try Self.endpoint(parts[2], parts[4], isIPv6))
  }

  private static func endpoint(
    _ host: Substring, _ port: Substring, _ isIPv6: Bool
  ) throws(ProxyHeaderError) -> Endpoint {
    // A zone would mean an interface of the proxy's machine.
    guard let address = try? IPAddress(String(host)), address.isIPv6 == isIPv6,
      !host.utf8.contains(UInt8(ascii: "%"))
    else { throw .malformedAddress }
    guard port == "0" || port.utf8.first != UInt8(ascii: "0"),
      let number = try? SocketAddress.parsePort(port, allowZero: true)
    else { throw .malformedPort }
    return Endpoint(SocketAddress(address, port: number))
  }
}
