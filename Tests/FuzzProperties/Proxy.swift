internal import UVNet

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A header is what a plain reading of the specification says, is told from each of its beginnings, and
/// what is refused once stays refused.
///
/// The first byte chooses what the rest is put into, so that most inputs are nearly headers.
func checkProxy(_ input: [UInt8]) throws(Finding) {
  var fuzzed = FuzzedInput(input)
  let choice = fuzzed.byte()
  let stream = nearlyHeader(fuzzed.remainder(), choice & 3)
  let maximum = [4_096, 536, 16, 100][Int(choice >> 2 & 3)]
  let expected = Reading(byTheRules: stream, maximum)
  try requireEqual(Reading(stream[...], maximum), expected, "whole")
  for end in stream.indices where end > 0 {
    let part = Reading(stream[..<end], maximum)
    switch (part, expected) {
    case (.needsMore, .header(_, let length)): try require(end < length, "\(end) of \(length)")
    case (.needsMore, _): break
    case (.header, .header), (.refused, .refused):
      try requireEqual(part, expected, "the first \(end) bytes")
    default: throw Finding(message: "\(part) of \(end) bytes, and then \(expected)")
    }
  }
}

private func nearlyHeader(_ bytes: [UInt8], _ choice: UInt8) -> [UInt8] {
  let start: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
  switch choice {
  case 1: return Array("PROXY ".utf8) + bytes + [13, 10]
  case 2, 3:
    // Command and family, then what the length is for; a right checksum behind it, or none.
    guard bytes.count >= 2, bytes.count < 4_000 else { return start + bytes }
    let vector: [UInt8] = choice == 3 ? [3, 0, 4, 0, 0, 0, 0] : []
    let length = bytes.count - 2 + vector.count
    let header =
      start + bytes[..<2] + [UInt8(length >> 8), UInt8(length & 255)] + bytes[2...] + vector
    guard choice == 3 else { return header }
    let sum = castagnoli(header)
    return header.dropLast(4) + [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: sum >> $0) }
  default: return bytes
  }
}

/// CRC-32C with the most significant bit first, the other way round than the code under test.
private func castagnoli(_ bytes: [UInt8]) -> UInt32 {
  func reversed(_ number: UInt32) -> UInt32 {
    (0..<32).reduce(0) { $0 | (number >> UInt32($1) & 1) << UInt32(31 - $1) }
  }
  var remainder = UInt32.max
  for byte in bytes {
    remainder ^= reversed(UInt32(byte))
    for _ in 0..<8 {
      remainder = remainder << 1 ^ (remainder >> 31 == 1 ? 0x1EDC_6F41 : 0)
    }
  }
  return ~reversed(remainder)
}

/// What comes of the beginning of a stream.
private enum Reading: Equatable {
  case needsMore
  case refused
  case header(ProxyHeader, length: Int)

  /// Through the decoder under test.
  init(_ stream: ArraySlice<UInt8>, _ maximum: Int) {
    do throws(ProxyHeaderError) {
      let bytes = Array(stream)
      switch try ProxyHeaderDecoder(maximumLength: maximum).decode(bytes.span.bytes) {
      case .frame(let header, let length): self = .header(header, length: length)
      case .needs: self = .needsMore
      }
    } catch {
      self = .refused
    }
  }

  /// As the specification has it, with no thought of speed.
  init(byTheRules stream: [UInt8], _ maximum: Int) {
    let text = Array("PROXY ".utf8)
    let binary: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 0x51, 0x55, 0x49, 0x54, 10]
    if text.starts(with: stream.prefix(6)) {
      self = stream.count < 6 ? .needsMore : Self.text(stream)
    } else if binary.starts(with: stream.prefix(12)) {
      self = stream.count < 16 ? .needsMore : Self.binary(stream, maximum)
    } else {
      self = .refused
    }
  }

  private static func text(_ stream: [UInt8]) -> Reading {
    guard let end = (1..<min(107, stream.count)).first(where: { stream[$0 - 1...$0] == [13, 10] })
    else { return stream.count < 107 ? .needsMore : .refused }
    let words = stream[6..<end - 1].split(separator: 32, omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    if words.first == "UNKNOWN" { return .header(ProxyHeader(version: 1), length: end + 1) }
    guard words.count == 5, ["TCP4", "TCP6"].contains(words[0]),
      let source = endpoint(words[1], words[3], isIPv6: words[0] == "TCP6"),
      let destination = endpoint(words[2], words[4], isIPv6: words[0] == "TCP6")
    else { return .refused }
    return .header(
      ProxyHeader(version: 1, transport: .stream, source: source, destination: destination),
      length: end + 1)
  }

  private static func endpoint(
    _ host: String, _ port: String, isIPv6: Bool
  ) -> ProxyHeader.Endpoint? {
    // The system's parser takes what is before a byte 0.
    guard !host.utf8.contains(0), let number = UInt16(port), "\(number)" == port else { return nil }
    var bytes = [UInt8](repeating: 0, count: 16)
    guard inet_pton(isIPv6 ? AF_INET6 : AF_INET, host, &bytes) == 1 else { return nil }
    return (try? SocketAddress(host: host, port: number)).map { .init($0) }
      ?? (try? IPAddress(host)).map { .init(SocketAddress($0, port: number)) }
  }

  private static func binary(_ stream: [UInt8], _ maximum: Int) -> Reading {
    let (command, family) = (stream[12], stream[13])
    let length = 16 + Int(stream[14]) * 256 + Int(stream[15])
    guard command == 0x20 || command == 0x21 else { return .refused }
    let sizes: [UInt8: Int] = [0: 0, 0x11: 4, 0x12: 4, 0x21: 16, 0x22: 16, 0x31: 108, 0x32: 108]
    guard command == 0x20 || sizes[family] != nil, length <= maximum else { return .refused }
    guard stream.count >= length else { return .needsMore }
    if command == 0x20 || family == 0 {
      return .header(ProxyHeader(version: 2, isLocal: command == 0x20), length: length)
    }
    let size = sizes[family] ?? 0
    let block = stream[16..<length]
    let ports = size == 108 ? 0 : 4
    guard block.count >= 2 * size + ports,
      let extensions = extensions(Array(block.dropFirst(2 * size + ports))),
      hasRightChecksum(Array(stream[..<length]), from: 16 + 2 * size + ports)
    else { return .refused }
    let ends = (0..<2).map { index -> ProxyHeader.Endpoint? in
      let name = Array(block.dropFirst(index * size).prefix(size))
      guard size < 108 else { return unix(name) }
      let port = Array(block.dropFirst(2 * size + 2 * index).prefix(2))
      let groups = stride(from: 0, to: 16, by: 2).map { index in
        size == 16 ? String(Int(name[index]) * 256 + Int(name[index + 1]), radix: 16) : ""
      }
      let host =
        size == 4 ? name.map { "\($0)" }.joined(separator: ".") : groups.joined(separator: ":")
      guard let address = try? IPAddress(host) else { return nil }
      return .init(SocketAddress(address, port: UInt16(port[0]) * 256 + UInt16(port[1])))
    }
    guard let source = ends[0], let destination = ends[1] else { return .refused }
    return .header(
      ProxyHeader(
        version: 2, transport: family & 15 == 1 ? .stream : .datagrams, source: source,
        destination: destination, extensions: extensions), length: length)
  }

  private static func unix(_ name: [UInt8]) -> ProxyHeader.Endpoint? {
    let isAbstract = name[0] == 0
    let rest = (isAbstract ? name.dropFirst() : name[...]).prefix { $0 != 0 }
    if rest.isEmpty { return .init(unix: nil) }
    let text = String(decoding: rest, as: UTF8.self)
    let address = isAbstract ? try? UnixAddress(abstractName: text) : try? UnixAddress(path: text)
    return address.map { .init(unix: $0) }
  }

  private static func extensions(_ bytes: [UInt8]) -> [ProxyHeader.Extension]? {
    guard let type = bytes.first else { return [] }
    guard bytes.count >= 3 else { return nil }
    let length = Int(bytes[1]) * 256 + Int(bytes[2])
    guard bytes.count >= 3 + length, let rest = extensions(Array(bytes.dropFirst(3 + length)))
    else {
      return nil
    }
    if type == 3 || type == 4 { return type == 3 && length != 4 ? nil : rest }
    return [.init(.init(rawValue: type), Array(bytes[3..<3 + length]))] + rest
  }

  private static func hasRightChecksum(_ header: [UInt8], from start: Int) -> Bool {
    var position = start
    var places: [Int] = []
    while position < header.count {
      if header[position] == 3 { places.append(position + 3) }
      position += 3 + Int(header[position + 1]) * 256 + Int(header[position + 2])
    }
    guard let place = places.first else { return true }
    var zeroed = header
    zeroed.replaceSubrange(place..<place + 4, with: [0, 0, 0, 0])
    let sum = header[place..<place + 4].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
    return places.count == 1 && castagnoli(zeroed) == sum
  }
}
