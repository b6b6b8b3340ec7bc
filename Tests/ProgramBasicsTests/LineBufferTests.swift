import TestTaskProgramBasics
import Testing

@Suite struct LineBufferTests {
  /// A device with room for so many bytes.
  private final class Device {
    var room: Int
    var text = ""
    /// What it takes at most in one write.
    var most = Int.max

    init(room: Int) { self.room = room }

    func write(_ bytes: RawSpan) -> Int {
      let taken = min(bytes.byteCount, room, most)
      guard taken > 0 else { return -1 }
      text += bytes.withUnsafeBytes { String(decoding: $0.prefix(taken), as: UTF8.self) }
      room -= taken
      return taken
    }
  }

  private func append(_ number: Int, to buffer: inout LineBuffer) {
    buffer.append("n=\(number)\n")
  }
  private func lost(_ count: Int) -> [UInt8] { Array("lost=\(count)\n".utf8) }

  @Test func `lines of a turn leave in one write`() {
    var buffer = LineBuffer()
    let device = Device(room: 100)
    for number in 1...3 { append(number, to: &buffer) }
    var writes = 0
    buffer.flush(
      {
        writes += 1
        return device.write($0)
      }, lostLine: lost)
    #expect(device.text == "n=1\nn=2\nn=3\n")
    #expect(writes == 1)
    #expect(buffer.isEmpty && !buffer.owesWriting)
  }

  @Test func `short writes are continued`() {
    var buffer = LineBuffer()
    let device = Device(room: 100)
    device.most = 3
    for number in 1...3 { append(number, to: &buffer) }
    buffer.flush(device.write, lostLine: lost)
    #expect(device.text == "n=1\nn=2\nn=3\n")
  }

  @Test(arguments: 0...12)
  func `a disk that fills anywhere loses lines, says so, and tears none`(room: Int) {
    var buffer = LineBuffer()
    let device = Device(room: room)
    for number in 1...3 { append(number, to: &buffer) }
    buffer.flush(device.write, lostLine: lost)
    #expect(buffer.owesWriting == (room < 12))
    append(4, to: &buffer)
    buffer.flush(device.write, lostLine: lost)
    device.room = 100
    append(5, to: &buffer)
    buffer.flush(device.write, lostLine: lost)
    let lines = device.text.split(separator: "\n").map(String.init)
    // A line that was begun is finished; a full disk takes no fourth.
    let written = (room + 3) / 4
    #expect(
      lines == (1...5).filter { $0 <= min(3, written) }.map { "n=\($0)" } + [
        "lost=\(4 - min(3, written))", "n=5",
      ])
    #expect(!buffer.owesWriting)
  }

  @Test func `the line about losses can itself be torn and finished`() {
    var buffer = LineBuffer()
    let device = Device(room: 0)
    append(1, to: &buffer)
    buffer.flush(device.write, lostLine: lost)
    device.room = 3
    append(2, to: &buffer)
    buffer.flush(device.write, lostLine: lost)
    device.room = 100
    buffer.flush(device.write, lostLine: lost)
    #expect(device.text == "lost=1\nlost=1\n")
    #expect(buffer.lost == 0)
  }

  @Test func `a torn line that is given up tells how much of it to cut`() {
    var buffer = LineBuffer()
    let device = Device(room: 6)
    for number in 1...3 { append(number, to: &buffer) }
    buffer.flush(device.write, lostLine: lost)
    #expect(device.text == "n=1\nn=")
    #expect(buffer.abandonUnfinishedLine() == 2)
    #expect(buffer.lost == 2)
    #expect(buffer.abandonUnfinishedLine() == 0)
  }

  @Test(arguments: 0...7)
  func `somebody else's torn line is ended before anything else, whatever there is room for`(
    room: Int
  ) {
    var buffer = LineBuffer()
    buffer.setNeedsLineEnd(true)
    let device = Device(room: room)
    device.text = "torn"
    append(1, to: &buffer)
    buffer.flush(device.write, lostLine: lost)
    device.room = 100
    append(2, to: &buffer)
    buffer.flush(device.write, lostLine: lost)
    #expect(device.text == (room < 2 ? "torn\nlost=1\nn=2\n" : "torn\nn=1\nn=2\n"))
  }
}
