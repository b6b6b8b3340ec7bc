import TestTaskClientCore
import Testing
import UVNetTestKit

@testable import TestTaskClient

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct LogCopyTests {
  private func read(_ path: String) -> String {
    let file = fopen(path, "r")
    defer { if let file { fclose(file) } }
    var bytes = [UInt8](repeating: 0, count: 4096)
    let count = file.map { fread(&bytes, 1, bytes.count, $0) } ?? 0
    return String(decoding: bytes[..<count], as: UTF8.self)
  }

  @Test("a file that ends inside a line gets the line's end first")
  func endsInsideLine() throws {
    var template = Array("/tmp/log-copy.XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { unlink(path) }
    try #require(write(descriptor, "half", 4) == 4)
    close(descriptor)
    let copy = try LogCopy(path: path)
    #expect(copy.write("first", lostLine: { "\($0) lost" }) == nil)
    #expect(copy.write("second", lostLine: { "\($0) lost" }) == nil)
    #expect(read(path) == "half\nfirst\nsecond\n")
  }

  @Test("a reader that takes nothing costs lines and no time, and hears how many")
  func stalledReader() throws {
    let path = "/tmp/log-copy.\(getpid()).fifo"
    try #require(mkfifo(path, 0o600) == 0)
    defer { unlink(path) }
    let reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    let copy = try LogCopy(path: path)
    let line = String(repeating: "x", count: 999)
    var complaints: [String] = []
    for _ in 0..<5000 {
      if let complaint = copy.write(line, lostLine: { "\($0) lost" }) {
        complaints.append(complaint)
      }
    }
    #expect(complaints.count == 1)
    #expect(complaints.first?.contains("its reader takes nothing") == true)
    var bytes = [UInt8](repeating: 0, count: 1 << 20)
    var text = ""
    for round in 0..<2 {
      while case let count = readBytes(reader, &bytes, bytes.count), count > 0 {
        text += String(decoding: bytes[..<count], as: UTF8.self)
      }
      if round == 0 { #expect(copy.write("last", lostLine: { "\($0) lost" }) == nil) }
    }
    let lines = text.split(separator: "\n")
    #expect(lines.last == "last")
    // Short lines fit where a long one does not, so that there may be several of these.
    let told = lines.compactMap { $0.hasSuffix(" lost") ? Int($0.dropLast(5)) : nil }
    let written = lines.count { $0 == line }
    #expect(lines.count == written + told.count + 1)
    #expect(written > 0 && written + told.reduce(0, +) == 5000)
  }
}

/// The C function, which a method of the same name hides.
private func readBytes(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
  read(descriptor, bytes, count)
}
