import TestTaskProgramBasics
import Testing

@Suite struct LineOutputTests {
  /// A device with room for so many bytes.
  private final class Device {
    var room: Int
    var text = ""
    /// What it takes at most in one write.
    var most = Int.max

    private(set) var writes = 0

    init(room: Int) { self.room = room }

    func write(_ bytes: RawSpan) -> Int {
      writes += 1
      let taken = min(bytes.byteCount, room, most)
      guard taken > 0 else { return -1 }
      text += bytes.withUnsafeBytes { String(decoding: $0.prefix(taken), as: UTF8.self) }
      room -= taken
      return taken
    }
  }

  /// Writes `n=1`, `n=2` and so on, each a line.
  private func write(_ numbers: [Int], to output: inout LineOutput, _ device: Device) {
    let lines = numbers.flatMap { Array("n=\($0)\n".utf8) }
    output.write(lines.span.bytes, by: device.write, lostLine: lost)
  }
  private func lost(_ count: Int) -> [UInt8] { Array("lost=\(count)\n".utf8) }

  @Test func `lines of a turn leave in one write`() {
    var output = LineOutput()
    let device = Device(room: 100)
    write([1, 2, 3], to: &output, device)
    #expect(device.text == "n=1\nn=2\nn=3\n")
    #expect(device.writes == 1)
    #expect(!output.owesWriting)
  }

  @Test func `short writes are continued`() {
    var output = LineOutput()
    let device = Device(room: 100)
    device.most = 3
    write([1, 2, 3], to: &output, device)
    #expect(device.text == "n=1\nn=2\nn=3\n")
  }

  @Test(arguments: 0...12)
  func `a disk that fills anywhere loses lines, says so, and tears none`(room: Int) {
    var output = LineOutput()
    let device = Device(room: room)
    write([1, 2, 3], to: &output, device)
    #expect(output.owesWriting == (room < 12))
    write([4], to: &output, device)
    device.room = 100
    write([5], to: &output, device)
    let lines = device.text.split(separator: "\n").map(String.init)
    // A line that was begun is finished; a full disk takes no fourth.
    let written = (room + 3) / 4
    #expect(
      lines == (1...5).filter { $0 <= min(3, written) }.map { "n=\($0)" } + [
        "lost=\(4 - min(3, written))", "n=5",
      ])
    #expect(!output.owesWriting)
  }

  @Test func `the line about losses can itself be torn and finished`() {
    var output = LineOutput()
    let device = Device(room: 0)
    write([1], to: &output, device)
    device.room = 3
    write([2], to: &output, device)
    device.room = 100
    write([], to: &output, device)
    #expect(device.text == "lost=1\nlost=1\n")
    #expect(output.lost == 0)
  }

  @Test func `a torn line that is given up tells how much of it to cut`() {
    var output = LineOutput()
    let device = Device(room: 6)
    write([1, 2, 3], to: &output, device)
    #expect(device.text == "n=1\nn=")
    #expect(output.abandonUnfinishedLine() == 2)
    #expect(output.lost == 2)
    #expect(output.abandonUnfinishedLine() == 0)
  }

  @Test(arguments: 0...7)
  func `somebody else's torn line is ended before anything else, whatever there is room for`(
    room: Int
  ) {
    var output = LineOutput()
    output.setNeedsLineEnd(true)
    let device = Device(room: room)
    device.text = "torn"
    write([1], to: &output, device)
    device.room = 100
    write([2], to: &output, device)
    #expect(device.text == (room < 2 ? "torn\nlost=1\nn=2\n" : "torn\nn=1\nn=2\n"))
  }
}
