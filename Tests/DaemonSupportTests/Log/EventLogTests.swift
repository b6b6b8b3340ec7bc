import TestTaskTestSupport
import TestTaskProgramBasics
import TestTaskDaemonSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct EventLogTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func `events are there after the flush, below the level they never are`() throws {
    var log = try EventLog(path: "\(folder.path)/log", format: .logfmt, level: .info)
    log.record(.info, "connect") { $0.add("conn", 1) }
    log.record(.debug, "noise")
    #expect(folder.contents("log").isEmpty)
    log.flush()
    #expect(folder.contents("log").hasSuffix(" level=info event=connect conn=1\n"))
    #expect(folder.contents("log").hasPrefix("ts="))
    #expect(folder.contents("log").count { $0 == "\n" } == 1)
  }

  @Test func `after a rotation new lines go to a new file`() throws {
    var log = try EventLog(path: "\(folder.path)/log", format: .logfmt, level: .info)
    log.record(.info, "one")
    rename("\(folder.path)/log", "\(folder.path)/log.1")
    log.record(.info, "two")
    try log.reopen()
    log.record(.info, "three")
    log.flush()
    #expect(folder.contents("log.1").hasSuffix("event=two\n"))
    #expect(folder.contents("log").hasSuffix("event=three\n"))
    #expect(folder.contents("log").count { $0 == "\n" } == 1)
  }

  @Test func `a file that ends inside a line is not continued there`() throws {
    folder.put("torn", "log")
    var log = try EventLog(path: "\(folder.path)/log", format: .json, level: .info)
    log.record(.info, "one")
    log.flush()
    #expect(folder.contents("log").hasPrefix("torn\n{\"ts\":"))
    folder.put("whole\n", "log")
    var again = try EventLog(path: "\(folder.path)/log", format: .json, level: .info)
    again.record(.info, "one")
    again.flush()
    #expect(folder.contents("log").hasPrefix("whole\n{\"ts\":"))
  }

  @Test func `a directory and a FIFO without reader are errors at once`() throws {
    #expect(throws: LogFile.Failure(path: folder.path, reason: "Is a directory")) {
      _ = try EventLog(path: folder.path, format: .logfmt, level: .info)
    }
    mkfifo("\(folder.path)/log", 0o600)
    #expect(throws: LogFile.Failure.self) {
      _ = try EventLog(path: "\(folder.path)/log", format: .logfmt, level: .info)
    }
  }

  @Test func `a check of the path promises what opening it keeps`() throws {
    mkfifo("\(folder.path)/fifo", 0o600)
    symlink("\(folder.path)/none/log", "\(folder.path)/dangling")
    symlink("made", "\(folder.path)/link")
    symlink("loop", "\(folder.path)/loop")
    folder.put("whole\n", "log")
    for (name, isGood) in [
      ("log", true), ("new", true), ("link", true), ("", false), ("fifo", false), ("new/", false),
      ("dangling", false), ("loop", false), (String(repeating: "n", count: 300), false),
    ] {
      let path = "\(folder.path)/\(name)"
      let checked = (try? LogFile.check(path)) != nil
      let opened: Bool
      do {
        _ = try EventLog(path: path, format: .logfmt, level: .info)
        opened = true
      } catch {
        opened = false
      }
      #expect(checked == isGood && opened == isGood, "\(name)")
    }
  }

  @Test func `a check of the path makes nothing`() throws {
    try LogFile.check("\(folder.path)/log")
    #expect(access("\(folder.path)/log", F_OK) == -1)
    #expect(throws: LogFile.Failure.self) { try LogFile.check("\(folder.path)/no/log") }
    #expect(throws: LogFile.Failure.self) { try LogFile.check(folder.path) }
  }

  #if os(Linux)
    @Test func `a check of the path knows where the kernel lets nobody make files`() {
      for path in ["/proc/log", "/proc/self/log", "/sys/log"] {
        #expect(throws: LogFile.Failure.self) { try LogFile.check(path) }
      }
    }

    @Test func `a full device costs lines and nothing else`() throws {
      var log = try EventLog(path: "/dev/full", format: .logfmt, level: .info)
      log.record(.info, "one")
      log.flush()
      let (owes, has) = (log.owesWriting, log.hasLines)
      #expect(owes && !has)
    }
  #endif
}
