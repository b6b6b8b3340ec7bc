import Testing

@testable import UVNet

@Suite struct SharedCounterLayoutTests {
  private static let header = Array(SharedCounterLayout.newFile.prefix(64))

  @Test func `a new file is one page, with a slot for each process`() {
    #expect(SharedCounterLayout.newFile.count == 4_096)
    #expect(SharedCounterLayout.slotCount == 63)
    let offsets = (0..<SharedCounterLayout.slotCount).map(SharedCounterLayout.offset(ofSlot:))
    #expect(offsets == Array(stride(from: 64, to: 4_096, by: 64)))
    #expect(
      SharedCounterLayout.content(size: 4_096, header: Self.header) == .shared)
  }

  @Test func `an empty file is new, and anything else is foreign`() {
    #expect(SharedCounterLayout.content(size: 0, header: []) == .new)
    var otherVersion = Self.header
    otherVersion[8] = 2
    for (size, header, reason) in [
      (1, [0], "holds something else"),
      (4_096, [UInt8](repeating: 0, count: 64), "holds something else"),
      (10, Array(Self.header.prefix(10)), "is of another version"),
      (4_096, otherVersion, "is of another version"),
      (4_095, Self.header, "has 4095 bytes, and not 4096"),
      (4_097, Self.header, "has 4097 bytes, and not 4096"),
    ] {
      #expect(
        SharedCounterLayout.content(size: size, header: header) == .foreign(reason),
        "\(size) \(header)")
    }
  }

  @Test func `the sum is of those that hold their slots, without one's own`() {
    let numbers: [UInt32] = [5, 0, 7, .max, .max]
    var asked: [Int] = []
    let sum = SharedCounterLayout.sum(
      except: 0, number: { $0 < numbers.count ? numbers[$0] : 0 },
      isHeld: {
        asked.append($0)
        return $0 != 2
      })
    #expect(sum == 2 * Int(UInt32.max))
    #expect(asked == [2, 3, 4], "only those with a number cost a system call")
  }

  /// A process has ended with 9 clients; before its lock is looked at, another has taken its slot.
  @Test func `a slot that changes hands counts for its holder`() {
    var looks = 0
    let sum = SharedCounterLayout.sum(
      except: 0,
      number: { slot in
        guard slot == 1 else { return 0 }
        looks += 1
        return looks == 1 ? 9 : 1
      }, isHeld: { _ in true })
    #expect(sum == 1)
  }
}
