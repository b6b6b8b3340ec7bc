import Testing

@testable import Server

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite final class ConnectionLogTests {
  private let directory: String

  init() throws {
    var template = Array("/tmp/testtask-log-XXXXXX".utf8CString)
    directory = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) } ?? ""
    }
    try #require(!directory.isEmpty)
  }

  deinit {
    for name in ["log", "log.1"] { unlink("\(directory)/\(name)") }
    rmdir(directory)
  }

  private func contents(_ name: String) -> String {
    guard let file = fopen("\(directory)/\(name)", "r") else { return "" }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  private func put(_ text: String, _ name: String) {
    guard let file = fopen("\(directory)/\(name)", "w") else { return }
    fputs(text, file)
    fclose(file)
  }

  @Test func `events are there after the flush, below the level they never are`() throws {
    var log = try ConnectionLog(path: "\(directory)/log", format: .logfmt, level: .info)
    log.record(.info, "connect") { $0.add("conn", 1) }
    log.record(.debug, "noise")
    #expect(contents("log").isEmpty)
    log.flush()
    #expect(contents("log").hasSuffix(" level=info event=connect conn=1\n"))
    #expect(contents("log").hasPrefix("ts="))
    #expect(contents("log").count { $0 == "\n" } == 1)
  }

  @Test func `after a rotation new lines go to a new file`() throws {
    var log = try ConnectionLog(path: "\(directory)/log", format: .logfmt, level: .info)
    log.record(.info, "one")
    rename("\(directory)/log", "\(directory)/log.1")
    log.record(.info, "two")
    try log.reopen()
    log.record(.info, "three")
    log.flush()
    #expect(contents("log.1").hasSuffix("event=two\n"))
    #expect(contents("log").hasSuffix("event=three\n"))
    #expect(contents("log").count { $0 == "\n" } == 1)
  }

  @Test func `a file that ends inside a line is not continued there`() throws {
    put("torn", "log")
    var log = try ConnectionLog(path: "\(directory)/log", format: .json, level: .info)
    log.record(.info, "one")
    log.flush()
    #expect(contents("log").hasPrefix("torn\n{\"ts\":"))
    put("whole\n", "log")
    var again = try ConnectionLog(path: "\(directory)/log", format: .json, level: .info)
    again.record(.info, "one")
    again.flush()
    #expect(contents("log").hasPrefix("whole\n{\"ts\":"))
  }

  @Test func `a directory and a FIFO without reader are errors at once`() throws {
    #expect(throws: LogFile.Failure(path: directory, reason: "Is a directory")) {
      _ = try ConnectionLog(path: self.directory, format: .logfmt, level: .info)
    }
    mkfifo("\(directory)/log", 0o600)
    #expect(throws: LogFile.Failure.self) {
      _ = try ConnectionLog(path: "\(self.directory)/log", format: .logfmt, level: .info)
    }
  }

  @Test func `a check of the path makes nothing`() throws {
    try LogFile.check("\(directory)/log")
    #expect(access("\(directory)/log", F_OK) == -1)
    #expect(throws: LogFile.Failure.self) { try LogFile.check("\(directory)/no/log") }
    #expect(throws: LogFile.Failure.self) { try LogFile.check(directory) }
  }

  #if os(Linux)
    @Test func `a full device costs lines and nothing else`() throws {
      var log = try ConnectionLog(path: "/dev/full", format: .logfmt, level: .info)
      log.record(.info, "one")
      log.flush()
      let (owes, has) = (log.owesWriting, log.hasLines)
      #expect(owes && !has)
    }
  #endif
}
