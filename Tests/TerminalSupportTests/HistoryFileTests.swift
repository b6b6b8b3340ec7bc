import Testing

@testable import TestTaskProgramBasics
@testable import TestTaskTerminalSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The history on disk, in a folder of each test's own.
@Suite final class HistoryFileTests {
  private let folder: String
  private var path: String { folder + "/state/program/history" }
  private var file: HistoryFile { HistoryFile(path: path) }

  init() throws {
    var template = Array("/tmp/testtask.XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  deinit {
    unlink(path)
    rmdir(folder + "/state/program")
    rmdir(folder + "/state")
    unlink(folder + "/victim")
    rmdir(folder)
  }

  @Test func `lines come back in their order, from a file and folders of the owner's alone`() throws
  {
    #expect(file.load().lines == [])
    for line in ["fast", "slow 1", "größe 字"] { file.append(line) }
    #expect(file.load().lines == ["fast", "slow 1", "größe 字"])
    #expect(try mode(path) == 0o600)
    #expect(try mode(folder + "/state/program") == 0o700)
    chmod(path, 0o644)
    file.append("x")
    #expect(try mode(path) == 0o600)
  }

  @Test func `a file that has grown too long keeps its newest lines`() throws {
    // Long enough that the first megabyte holds none of the newest.
    let long = String(repeating: "x", count: 3000)
    for index in 0..<700 { file.append("\(index) \(long)") }
    let lines = file.load().lines
    #expect(lines.count == History.limit)
    #expect(lines.first == "200 \(long)" && lines.last == "699 \(long)")
    let content = try Descriptor.readFile(path, limit: 1 << 24, isPrivate: true)
    #expect(content.count { $0 == UInt8(ascii: "\n") } == History.limit)
  }

  @Test func `a link in its place is neither read nor written`() throws {
    file.append("mine")
    let victim = folder + "/victim"
    #expect(rename(path, victim) == 0 && symlink(victim, path) == 0)
    #expect(file.load().lines == [])
    file.append("never")
    #expect(HistoryFile(path: victim).load().lines == ["mine"])
  }

  @Test func `a line after one without an end is a line of its own`() throws {
    file.append("first")
    try write(Array("first\ntorn".utf8))
    file.append("next")
    #expect(file.load().lines == ["first", "torn", "next"])
    try write(Array("only".utf8))
    #expect(file.load().lines == ["only"])
  }

  @Test func `bytes that are no UTF-8 are shown as such, and a line that is too long is left out`()
    throws
  {
    file.append("x")
    let long = [UInt8](repeating: 0x61, count: LineReader.limit + 1)
    try write(Array("a".utf8) + [0xFF, 0xC3, 0x28, 0x0A] + long + Array("\nbidi \u{202E}\n".utf8))
    #expect(file.load().lines == ["a\\xff\\xc3(", "bidi \u{202E}"])
  }

  @Test func `of a file that nobody typed the end is kept, and that is told`() throws {
    file.append("x")
    let descriptor = open(path, O_RDWR)
    try #require(descriptor >= 0)
    // A hole: no disk has to hold it.
    #expect(ftruncate(descriptor, off_t(HistoryFile.expectedBytes)) == 0)
    close(descriptor)
    for index in 0..<600 { file.append("line \(index)") }
    let contents = file.load()
    #expect(contents.lines == (100..<600).map { "line \($0)" })
    #expect(contents.notice == "the history had grown to 64 MiB: cut to its last 500 lines")
    #expect(file.load() == HistoryFile.Contents(lines: contents.lines))
  }

  @Test func `many at once lose and tear no line, though the file is cut meanwhile`() async throws {
    let path = path
    let first = file
    for index in 0..<490 { first.append("old \(index)") }
    await withTaskGroup(of: Void.self) { group in
      for name in 0..<8 {
        group.addTask {
          let file = HistoryFile(path: path)
          for number in 0..<40 {
            if number % 8 == 0 { _ = file.load() }
            file.append("\(name) \(number)")
          }
          file.close()
        }
      }
    }
    let lines = file.load().lines
    #expect(lines.count == History.limit)
    for name in 0..<8 {
      let mine = lines.filter { $0.hasPrefix("\(name) ") }
      #expect(mine == (0..<40).map { "\(name) \($0)" })
    }
    #expect(lines.count { $0.hasPrefix("old ") } == History.limit - 8 * 40)
  }

  @Test func `while another holds the lock a line waits, and comes at the latest in the end`() {
    let file = file
    file.append("first")
    guard let holder = LockedFile(path, opensUnlocked: false) else {
      Issue.record("no file")
      return
    }
    file.append("second")
    #expect(file.load().lines == ["first"])
    file.close()
    #expect(file.load().lines == ["first", "second"])
    let size = holder.size
    #expect(size == 6)
  }

  private func write(_ bytes: [UInt8]) throws {
    let descriptor = open(path, O_WRONLY | O_TRUNC)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    #expect(systemWrite(descriptor, bytes, bytes.count) == bytes.count)
  }

  private func mode(_ path: String) throws -> mode_t {
    var information = stat()
    try #require(lstat(path, &information) == 0)
    return information.st_mode & 0o777
  }
}

private func systemWrite(_ descriptor: Int32, _ bytes: [UInt8], _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
