import TestTaskTestSupport
import Testing

@testable import TestTaskProgramBasics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct LineWriterTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
  private func lost(_ count: Int) -> [UInt8] { Array("lost=\(count)\n".utf8) }

  @Test func `a file that ends inside a line gets the line's end first`() throws {
    let folder = try TemporaryFolder()
    folder.put("torn", "f")
    var writer = try LineWriter(appendingTo: "\(folder.path)/f", mode: 0o600)
    writer.write("one\n", lostLine: lost)
    #expect(folder.contents("f") == "torn\none\n")
    let owes = writer.owesWriting
    #expect(!owes)
  }

  /// A disk with room for so many bytes.
  private func write(_ path: String, room: Int) -> LineOutput.Write {
    var room = room
    return { bytes in
      guard room > 0, let file = try? Descriptor(appendingTo: path, mode: 0o600) else { return 0 }
      defer { file.close() }
      let count = (try? file.write(bytes.extracting(first: room))) ?? 0
      room -= count
      return count
    }
  }

  @Test func `the rest of a torn line does not follow into a file that was cut`() throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/f"
    var writer = try LineWriter(appendingTo: path, mode: 0o600)
    writer.write(bytes("one\ntwo\n").span.bytes, lostLine: lost, by: write(path, room: 6))
    #expect(folder.contents("f") == "one\ntw")
    // What copytruncate does.
    truncate(path, 0)
    writer.write("three\n", lostLine: lost)
    #expect(folder.contents("f") == "lost=1\nthree\n")
  }

  @Test func `a torn line is finished when there is room, and cut off when the file is given up`()
    throws
  {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/f"
    var writer = try LineWriter(appendingTo: path, mode: 0o600)
    writer.write(bytes("one\n").span.bytes, lostLine: lost, by: write(path, room: 2))
    writer.write("two\n", lostLine: lost)
    #expect(folder.contents("f") == "one\ntwo\n")
    writer.write(bytes("three\n").span.bytes, lostLine: lost, by: write(path, room: 2))
    rename(path, path + ".1")
    try writer.reopen(mode: 0o600)
    writer.finish(lostLine: lost)
    #expect(folder.contents("f.1") == "one\ntwo\n")
    #expect(folder.contents("f") == "lost=1\n")
  }

  @Test(arguments: ["pipe", "FIFO"])
  func `lines that nobody reads are lost, counted, and told when there is a reader`(
    kind: String
  ) throws {
    let folder = try TemporaryFolder()
    let path = "\(folder.path)/fifo"
    var ends: [Int32] = [-1, -1]
    if kind == "pipe" {
      try #require(pipe(&ends) == 0)
    } else {
      try #require(mkfifo(path, 0o600) == 0)
      ends[0] = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    }
    defer { ends.forEach { close($0) } }
    var writer =
      kind == "pipe"
      ? LineWriter(sharing: ends[1]) : try LineWriter(appendingTo: path, mode: 0o600)
    let line = String(repeating: "x", count: 999) + "\n"
    for _ in 0..<1_000 {
      writer.write(line, lostLine: lost)
    }
    let owes = writer.owesWriting
    #expect(owes)
    var text: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    func drain() {
      while true {
        var interest = pollfd(fd: ends[0], events: Int16(POLLIN), revents: 0)
        guard poll(&interest, 1, 0) == 1 else { return }
        let count = read(ends[0], &piece, piece.count)
        guard count > 0 else { return }
        text += piece.prefix(count)
      }
    }
    drain()
    writer.write("last\n", lostLine: lost)
    drain()
    let lines = text.split(separator: UInt8(ascii: "\n")).map {
      String(decoding: $0, as: UTF8.self)
    }
    let whole = lines.count { $0 == line.dropLast() }
    // A short line may still fit where a long one does not.
    let reports = lines.filter { $0.hasPrefix("lost=") }.compactMap { Int($0.dropFirst(5)) }
    #expect(whole + reports.reduce(0, +) == 1_000)
    #expect(lines.last == "last")
    #expect(lines.count == whole + reports.count + 1, "no line is torn")
  }
}
