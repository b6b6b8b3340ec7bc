/// How the file of a ``SharedCounter`` is laid out, and which of its numbers count.
///
/// One page: a header, and a slot for each process, on a line of the processor's cache of its own. The
/// numbers are in the byte order of the machine: processes of one machine share them.
package enum SharedCounterLayout {
  /// The size of the file.
  package static let byteCount = 4_096
  /// Bytes of the header, and of each slot.
  ///
  /// The first byte of a slot is what its process locks.
  package static let slotByteCount = 64
  /// Processes that can share a file.
  package static let slotCount = byteCount / slotByteCount - 1

  private static let magic = Array("UVNetSum".utf8)
  private static let version: [UInt8] = [1, 0, 0, 0]

  /// Where a slot begins in the file.
  package static func offset(ofSlot slot: Int) -> Int { (slot + 1) * slotByteCount }

  /// The content of a new file.
  package static var newFile: [UInt8] {
    let header = magic + version
    return header + [UInt8](repeating: 0, count: byteCount - header.count)
  }

  /// What a file is, by its size and its first bytes.
  package enum Content: Equatable, Sendable {
    /// Nothing is in it yet.
    case new
    case shared
    /// It is something else, for this reason.
    case foreign(String)
  }

  /// Says what a file is.
  ///
  /// - Parameters:
  ///   - size: The size of the file in bytes.
  ///   - header: Its first bytes, as many as there are of ``slotByteCount``.
  /// - Returns: What it is.
  package static func content(size: Int, header: [UInt8]) -> Content {
    if size == 0 { return .new }
    guard header.starts(with: magic) else { return .foreign("holds something else") }
    guard header.dropFirst(magic.count).starts(with: version) else {
      return .foreign("is of another version")
    }
    guard size == byteCount else { return .foreign("has \(size) bytes, and not \(byteCount)") }
    return .shared
  }

  /// The sum of the numbers of processes that live.
  ///
  /// The number of a process that has ended stays where it was. A process that takes its slot first
  /// clears the number and then locks the slot, so a number that is read while the slot is locked is
  /// that of its holder.
  ///
  /// - Parameters:
  ///   - own: The slot that is left out.
  ///   - number: Reads the number in a slot.
  ///   - isHeld: Whether a process holds the lock of a slot; asked for slots with a number only.
  /// - Returns: The sum.
  package static func sum(
    except own: Int, number: (_ slot: Int) -> UInt32, isHeld: (_ slot: Int) -> Bool
  ) -> Int {
    var sum = 0
    for slot in 0..<slotCount where slot != own && number(slot) != 0 && isHeld(slot) {
      // Read again: the holder may be another than that of the first look.
      sum += Int(number(slot))
    }
    return sum
  }
}
