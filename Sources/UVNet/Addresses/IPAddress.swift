internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// An IPv4 or IPv6 address.
public struct IPAddress: Hashable, Sendable {
  enum Storage: Hashable {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64, scope: UInt32)
  }

  let storage: Storage

  init(storage: Storage) { self.storage = storage }

  /// 127.0.0.1, this machine.
  public static let loopback = IPAddress(storage: .v4(0x7f00_0001))
  /// ::1, this machine.
  public static let loopbackIPv6 = IPAddress(storage: .v6(high: 0, low: 1, scope: 0))
  /// 0.0.0.0, all of this machine's IPv4 addresses.
  public static let any = IPAddress(storage: .v4(0))
  /// ::, all of this machine's addresses.
  public static let anyIPv6 = IPAddress(storage: .v6(high: 0, low: 0, scope: 0))

  /// Parses a numeric address, strictly; no name is resolved.
  ///
  /// - Parameter text: `127.0.0.1`, `::1`, `::ffff:10.0.0.1`, `fe80::1%eth0`.
  /// - Throws: What is wrong with the text.
  public init(_ text: String) throws(SocketAddressError) {
    let bytes = Array(text.utf8)
    guard !bytes.isEmpty else { throw SocketAddressError.emptyHost }
    guard bytes.count <= 128 else { throw SocketAddressError.tooLong }
    if bytes.contains(UInt8(ascii: ":")) {
      try self.init(ipv6: text)
    } else if let bits = Self.parseIPv4(text) {
      self.init(storage: .v4(bits))
    } else {
      throw bytes.allSatisfy(Self.mayStandInIPv4) ? .invalidIPv4 : .notNumeric
    }
  }

  /// Whether this is an IPv6 address.
  public var isIPv6: Bool {
    if case .v6 = storage { true } else { false }
  }

  /// Whether the address is this machine's own: 127.0.0.0/8, ::1, or the former mapped to IPv6.
  public var isLoopback: Bool {
    switch storage {
    case .v4(let bits): bits >> 24 == 127
    case .v6(0, let low, _): low == 1 || (low >> 32 == 0xffff && (low >> 24) & 0xff == 127)
    case .v6: false
    }
  }

  /// Whether the address needs a zone: a link-local address (fe80::/10, RFC 4291 section 2.5.6)
  /// does not say which interface's link it is on.
  var needsZone: Bool {
    if case .v6(let high, _, 0) = storage { high >> 54 == 0xfe80 >> 6 } else { false }
  }

  /// Whether the address is `0.0.0.0` or `::`.
  public var isUnspecified: Bool {
    switch storage {
    case .v4(let bits): bits == 0
    case .v6(let high, let low, _): high == 0 && low == 0
    }
  }
}

// MARK: - Parsing

extension IPAddress {
  private static func mayStandInIPv4(_ byte: UInt8) -> Bool {
    isDigit(byte) || byte == UInt8(ascii: ".")
  }

  private static func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
  }

  private static func parseIPv4(_ text: String) -> UInt32? {
    parse(text, AF_INET, UInt32.self).map { UInt32(bigEndian: $0) }
  }

  private init(ipv6 text: String) throws(SocketAddressError) {
    let percent = text.utf8.firstIndex(of: UInt8(ascii: "%")) ?? text.utf8.endIndex
    let host = String(Substring(text.utf8[..<percent]))
    guard let words = Self.parse(host, AF_INET6, (UInt64, UInt64).self) else {
      throw SocketAddressError.invalidIPv6
    }
    var scope: UInt32 = 0
    if percent < text.utf8.endIndex {
      scope = try Self.parseZone(Array(text.utf8[percent...].dropFirst())[...])
    }
    self.init(
      storage: .v6(
        high: UInt64(bigEndian: words.0), low: UInt64(bigEndian: words.1), scope: scope))
  }

  /// Reads an address by libuv's function, which is strict.
  ///
  /// It accepts no octal numbers, no missing parts and no trailing text. It would stop at a NUL, so
  /// that is refused first.
  private static func parse<Words>(_ text: String, _ family: Int32, _: Words.Type) -> Words? {
    guard !text.utf8.contains(0) else { return nil }
    return unsafe withUnsafeTemporaryAllocation(of: Words.self, capacity: 1) { words -> Words? in
      guard let words = words.baseAddress, unsafe uv_inet_pton(family, text, words) == 0
      else { return nil }
      return unsafe words.pointee
    }
  }

  /// A zone is an interface's number, or its name on this machine (RFC 4007 section 11).
  private static func parseZone(_ bytes: ArraySlice<UInt8>) throws(SocketAddressError) -> UInt32 {
    let zone = String(decoding: bytes, as: UTF8.self)
    guard !bytes.isEmpty, !bytes.contains(0) else { throw SocketAddressError.unknownZone }
    if bytes.allSatisfy(isDigit) {
      guard let number = UInt32(zone), number > 0 else { throw SocketAddressError.unknownZone }
      return number
    }
    let index = unsafe zone.withCString { unsafe if_nametoindex($0) }
    guard index > 0 else { throw SocketAddressError.unknownZone }
    return index
  }
}

// MARK: - Printing

extension IPAddress: CustomStringConvertible {
  /// The address as text: dotted decimal, or the one form that RFC 5952 recommends, with the zone's
  /// number where there is one.
  public var description: String {
    switch storage {
    case .v4(let bits): Self.dotted(bits)
    case .v6(let high, let low, let scope):
      Self.colons(high, low) + (scope == 0 ? "" : "%\(scope)")
    }
  }

  private static func dotted(_ bits: UInt32) -> String {
    unsafe String(unsafeUninitializedCapacity: dottedByteCount(bits)) { unsafe write(bits, to: $0) }
  }

  private static func octets(_ bits: UInt32) -> (UInt16, UInt16, UInt16, UInt16) {
    func octet(_ shift: UInt32) -> UInt16 { UInt16(truncatingIfNeeded: bits >> shift & 0xff) }
    return (octet(24), octet(16), octet(8), octet(0))
  }

  /// The bytes that dotted decimal takes.
  static func dottedByteCount(_ bits: UInt32) -> Int {
    let (first, second, third, fourth) = octets(bits)
    return first.digitCount + second.digitCount + third.digitCount + fourth.digitCount + 3
  }

  /// Writes dotted decimal to memory for ``dottedByteCount(_:)`` bytes; returns how many it took.
  ///
  /// Not by libuv's function, which is slower: a server formats an address for each client.
  static func write(_ bits: UInt32, to memory: UnsafeMutableBufferPointer<UInt8>) -> Int {
    let (first, second, third, fourth) = octets(bits)
    var count = 0
    unsafe first.writeDecimal(to: memory, at: &count)
    for octet in [second, third, fourth] {
      unsafe memory[count] = UInt8(ascii: ".")
      count += 1
      unsafe octet.writeDecimal(to: memory, at: &count)
    }
    return count
  }

  private static func colons(_ high: UInt64, _ low: UInt64) -> String {
    if high == 0, low >> 32 == 0xffff { return "::ffff:" + dotted(UInt32(truncatingIfNeeded: low)) }
    let groups = (0..<8).map { index in
      let word = index < 4 ? high : low
      return UInt16(truncatingIfNeeded: word >> UInt64((3 - index % 4) * 16))
    }
    let gap = longestZeroRun(groups)
    let text = { (groups: ArraySlice<UInt16>) in
      groups.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard gap.count >= 2 else { return text(groups[...]) }
    return text(groups[..<gap.lowerBound]) + "::" + text(groups[gap.upperBound...])
  }

  private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
    var best = 0..<0
    var start = 0
    for index in 0...groups.count where index == groups.count || groups[index] != 0 {
      if index - start > best.count { best = start..<index }
      start = index + 1
    }
    return best
  }
}

extension UInt16 {
  /// How many decimal digits it has.
  var digitCount: Int { self < 10 ? 1 : self < 100 ? 2 : self < 1_000 ? 3 : self < 10_000 ? 4 : 5 }

  /// Writes the decimal digits at `position`, and advances it past them.
  func writeDecimal(to memory: UnsafeMutableBufferPointer<UInt8>, at position: inout Int) {
    let start = position
    position += digitCount
    var rest = self
    for index in (start..<position).reversed() {
      unsafe memory[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
  }
}
