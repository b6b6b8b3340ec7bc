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
    #expect(file.load() == [])
    for line in ["fast", "slow 1", "größe 字"] { file.append(line) }
    #expect(file.load() == ["fast", "slow 1", "größe 字"])
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
    let lines = file.load()
    #expect(lines.count == History.limit)
    #expect(lines.first == "200 \(long)" && lines.last == "699 \(long)")
    let content = try Descriptor.readFile(path, limit: 1 << 24, isPrivate: true)
    #expect(content.count { $0 == UInt8(ascii: "\n") } == History.limit)
  }

  @Test func `a link in its place is neither read nor written`() throws {
    file.append("mine")
    let victim = folder + "/victim"
    #expect(rename(path, victim) == 0 && symlink(victim, path) == 0)
    #expect(file.load() == [])
    file.append("never")
    #expect(HistoryFile(path: victim).load() == ["mine"])
  }

  private func mode(_ path: String) throws -> mode_t {
    var information = stat()
    try #require(lstat(path, &information) == 0)
    return information.st_mode & 0o777
  }
}
