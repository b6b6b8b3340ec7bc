import TestTaskProgramBasics
import TestTaskTestSupport
import Testing

@testable import TestTaskDaemonSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What a daemon tells the operator before it serves, and what its process ends with.
@Suite struct DaemonStartTests {
  private struct Mishap: Error, CustomStringConvertible { let description: String }

  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Runs a step, and returns what it has printed and the status that it ends the process with.
  private func outcome(
    isOutputClosed: Bool = false, of step: (DaemonStart<SampleValues>) throws -> Void
  ) throws -> (printed: String, status: Int32?) {
    let errors = open("\(folder.path)/errors", O_WRONLY | O_TRUNC | O_CREAT, 0o600)
    defer { close(errors) }
    let start = DaemonStart(
      settings: Settings<SampleValues>(),
      diagnostics: Diagnostics(program: "daemon", descriptor: errors, journalStream: nil),
      isOutputClosed: isOutputClosed)
    do {
      try step(start)
    } catch let failure as DaemonStart<SampleValues>.Failure {
      return (folder.contents("errors"), failure.status)
    }
    return (folder.contents("errors"), nil)
  }

  @Test func `a check tries everything and tells of all that is wrong`() throws {
    var tried = 0
    let outcome = try outcome { start in
      try start.check(
        [
          { throw Mishap(description: "one") }, { tried += 1 },
          { throw Mishap(description: "two") },
        ], of: "s.ini")
    }
    #expect(outcome.printed == "daemon: error: one\ndaemon: error: two\n")
    #expect(outcome.status == 1 && tried == 1)
  }

  @Test func `a check of what is good says so`() throws {
    let outcome = try outcome { try $0.check([{}], of: "s.ini") }
    #expect(outcome.printed == "daemon: s.ini: good\n" && outcome.status == nil)
  }

  @Test func `what keeps it from serving is one line`() throws {
    let outcome = try outcome { try $0.run { throw Mishap(description: "no socket") } }
    #expect(outcome.printed == "daemon: error: no socket\n" && outcome.status == 1)
    let good = try self.outcome { try $0.run {} }
    #expect(good.printed.isEmpty && good.status == nil)
  }

  @Test func `a standard output that is needed must be there`() throws {
    let closed = try outcome(isOutputClosed: true) { try $0.requireOutput { "it is closed" } }
    #expect(closed.printed == "daemon: error: it is closed\n" && closed.status == 1)
    let open = try outcome { try $0.requireOutput { "it is closed" } }
    #expect(open.printed.isEmpty && open.status == nil)
  }
}
