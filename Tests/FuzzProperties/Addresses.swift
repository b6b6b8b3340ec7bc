internal import UVNet

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// What is accepted means what the system's strict parser says, is printed in a form that reads
/// back to the same, and nothing is accepted that the system refuses.
func checkAddresses(_ input: [UInt8]) throws(Finding) {
  let text = String(decoding: input, as: UTF8.self)
  try checkHost(text)
  for (port, zero) in [(UInt16?.none, false), (25555, false), (nil, true)] {
    guard
      let address = try? SocketAddress(parsing: text, defaultPort: port, allowPortZero: zero)
    else { continue }
    try checkPort(of: address, in: text, defaultPort: port, allowZero: zero)
    let again = try? SocketAddress(
      parsing: address.description, defaultPort: nil, allowPortZero: zero)
    try require(again == address, "\(text) is printed as \(address), which is not read back")
  }
}

private func checkHost(_ text: String) throws(Finding) {
  guard let address = try? IPAddress(text) else {
    // Glibc's inet_pton is as strict as this package means to be; a zone is not its affair.
    #if canImport(Glibc)
      try require(systemBytes(text) == nil, "\(text) is refused, though inet_pton takes it")
    #endif
    return
  }
  let host = text.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)[0]
  let accepted = systemBytes(String(host))
  try require(accepted != nil, "\(text) is accepted, though inet_pton refuses it")
  let printed = address.description
  let printedHost = printed.split(separator: "%")[0]
  try require(systemBytes(String(printedHost)) == accepted, "\(text) is printed as \(printed)")
  try require((try? IPAddress(printed)) == address, "\(printed) is not read back")
  try require(printed.utf8.count <= 45 + 11, "\(printed) is too long")
  try requireEqual(address.isIPv6, accepted?.count == 16, "the family of \(text)")
}

/// The host and the port are those that stand in the text.
private func checkPort(
  of address: SocketAddress, in text: String, defaultPort: UInt16?, allowZero: Bool
) throws(Finding) {
  var host = text[...]
  var port: Substring?
  if text.hasPrefix("[") {
    let parts = text.dropFirst().split(separator: "]", omittingEmptySubsequences: false)
    try require(parts.count == 2, "\(text) is accepted")
    host = parts[0]
    port = parts[1].isEmpty ? nil : parts[1].dropFirst()
    try require(parts[1].isEmpty || parts[1].hasPrefix(":"), "\(text) is accepted")
  } else if text.utf8.count(where: { $0 == UInt8(ascii: ":") }) == 1 {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    try require(parts.count == 2, "\(text) is accepted")
    (host, port) = (parts[0], parts[1])
  }
  try require((try? IPAddress(String(host))) == address.address, "the host of \(text)")
  let expected = port.map { $0.utf8.allSatisfy { 48...57 ~= $0 } ? Int($0) : nil } ?? nil
  try requireEqual(
    Int(address.port), expected ?? Int(defaultPort ?? 0), "the port of \(text)")
  try require(port == nil ? defaultPort != nil : expected != nil, "the port of \(text)")
  try require(address.port > 0 || allowZero, "port 0 in \(text)")
}

/// The bytes that the system's parser makes of a numeric host; nil when it refuses.
private func systemBytes(_ text: String) -> [UInt8]? {
  // C would see the text before a NUL only.
  guard !text.utf8.contains(0) else { return nil }
  var bytes = [UInt8](repeating: 0, count: 16)
  if inet_pton(AF_INET, text, &bytes) == 1 { return Array(bytes.prefix(4)) }
  return inet_pton(AF_INET6, text, &bytes) == 1 ? bytes : nil
}
