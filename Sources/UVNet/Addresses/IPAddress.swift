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

  /// Parses a numeric address, strictly; nothing is looked up.
  ///
  /// - Parameter text: `127.0.0.1`, `::1`, `::ffff:10.0.0.1`, `fe80::1%eth0`.
  /// - Throws: What is wrong with the text.
  public init(_ text: String) throws(SocketAddressError) {
    let bytes = Array(text.utf8)
    guard !bytes.isEmpty else { throw SocketAddressError.emptyHost }
    guard bytes.count <= 128 else { throw SocketAddressError.tooLong }
    if bytes.contains(UInt8(ascii: ":")) {
      try self.init(ipv6: bytes)
    } else if let bits = Self.parseIPv4(bytes[...]) {
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

  private static func parseIPv4(_ bytes: ArraySlice<UInt8>) -> UInt32? {
    let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bits: UInt32 = 0
    for part in parts {
      guard (1...3).contains(part.count), part.allSatisfy(isDigit),
        part.count == 1 || part.first != UInt8(ascii: "0")
      else { return nil }
      let value = part.reduce(UInt32(0)) { $0 * 10 + UInt32($1 - UInt8(ascii: "0")) }
      guard value <= 255 else { return nil }
      bits = bits << 8 | value
    }
    return bits
  }

  private init(ipv6 bytes: [UInt8]) throws(SocketAddressError) {
    let percent = bytes.firstIndex(of: UInt8(ascii: "%")) ?? bytes.endIndex
    guard let groups = Self.parseGroups(bytes[..<percent]) else {
      throw SocketAddressError.invalidIPv6
    }
    var scope: UInt32 = 0
    if percent < bytes.endIndex {
      scope = try Self.parseZone(bytes[(percent + 1)...])
    }
    let high = groups[..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    let low = groups[4...].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
    self.init(storage: .v6(high: high, low: low, scope: scope))
  }

  /// Eight groups of 16 bits, with at most one `::` standing for one or more groups of zero.
  private static func parseGroups(_ bytes: ArraySlice<UInt8>) -> [UInt16]? {
    let colon = UInt8(ascii: ":")
    let gap = bytes.indices.dropLast().first { bytes[$0] == colon && bytes[$0 + 1] == colon }
    guard let gap else {
      guard let groups = parseList(bytes), groups.count == 8 else { return nil }
      return groups
    }
    guard let head = parseList(bytes[..<gap], mayBeEmpty: true, mayEndInIPv4: false),
      let tail = parseList(bytes[(gap + 2)...], mayBeEmpty: true),
      head.count + tail.count <= 7
    else { return nil }
    return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
  }

  private static func parseList(
    _ bytes: ArraySlice<UInt8>, mayBeEmpty: Bool = false, mayEndInIPv4: Bool = true
  ) -> [UInt16]? {
    if bytes.isEmpty { return mayBeEmpty ? [] : nil }
    let parts = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard parts.count <= 8 else { return nil }
    var groups: [UInt16] = []
    for (index, part) in parts.enumerated() {
      if let group = parseGroup(part) {
        groups.append(group)
      } else if mayEndInIPv4, index == parts.count - 1, let bits = parseIPv4(part) {
        groups.append(UInt16(truncatingIfNeeded: bits >> 16))
        groups.append(UInt16(truncatingIfNeeded: bits))
      } else {
        return nil
      }
    }
    return groups
  }

  private static func parseGroup(_ bytes: ArraySlice<UInt8>) -> UInt16? {
    guard (1...4).contains(bytes.count) else { return nil }
    var value: UInt16 = 0
    for byte in bytes {
      guard let digit = Character(Unicode.Scalar(byte)).hexDigitValue else { return nil }
      value = value << 4 | UInt16(digit)
    }
    return value
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
    unsafe String(unsafeUninitializedCapacity: dottedCapacity) { unsafe write(bits, to: $0) }
  }

  /// The most bytes that dotted decimal takes.
  static let dottedCapacity = 15

  /// Writes dotted decimal to memory for ``dottedCapacity`` bytes; returns how many it took.
  ///
  /// By hand, since a server writes one for each client.
  static func write(_ bits: UInt32, to memory: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var count = 0
    for index in 0..<4 {
      if index > 0 {
        unsafe memory[count] = UInt8(ascii: ".")
        count += 1
      }
      unsafe count += (bits >> UInt32(24 - 8 * index) & 0xff).writeDecimal(
        to: UnsafeMutableBufferPointer(rebasing: memory[count...]))
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

extension UInt32 {
  /// Writes the decimal digits; returns how many they are, up to 10.
  func writeDecimal(to memory: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var count = 1
    var rest = self / 10
    while rest > 0 {
      count += 1
      rest /= 10
    }
    rest = self
    for index in (0..<count).reversed() {
      unsafe memory[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
    return count
  }
}
