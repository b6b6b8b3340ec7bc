/// The checksum of the PROXY protocol: CRC-32C, of RFC 9260 appendix A.
///
/// By hand, since it is these few lines, and the libraries that have it are large or compute another
/// polynomial (zlib). Bit by bit and without a table: a header that has a checksum has some 40 bytes.
enum CRC32C {
  /// The generator polynomial 0x1EDC6F41 with its bits in reverse, as the algorithm takes them.
  private static let polynomial: UInt32 = 0x82F6_3B78

  /// The checksum of bytes, some of which count as 0: those that the checksum stands in.
  static func checksum(of bytes: RawSpan, zeroing zeros: Range<Int>) -> UInt32 {
    var remainder = UInt32.max
    for index in 0..<bytes.byteCount {
      if !zeros.contains(index) { remainder ^= UInt32(bytes.byte(at: index)) }
      for _ in 0..<8 {
        remainder = remainder >> 1 ^ (remainder & 1 == 1 ? polynomial : 0)
      }
    }
    return ~remainder
  }
}
