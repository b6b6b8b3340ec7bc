import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// What async/await does to a whole process: threads, and the main actor.
///
/// Each test has processes of its own, since threads that were started stay.
@Suite struct AsyncProgramTests {
  private func run(_ arguments: String...) throws -> (output: [String], errors: [String]) {
    let program = try Program("AsyncProgram", arguments)
    let output = try program.readOutputToEnd()
    let errors = try program.readErrorsToEnd()
    #expect(try program.wait() == .exit(0), "\(output) \(errors)")
    return (output, errors)
  }

  /// The rows of the article's table that promise one thread.
  @Test(arguments: [
    "own", "signal", "tasks", "concurrency", "main actor", "resolver, numeric",
  ])
  func `what the article says stays on the thread does so under load`(row: String) throws {
    #expect(try run(row).output == ["threads 1"])
  }

  @Test func `all of it together stays on the thread`() throws {
    let rows = try Program(
      "AsyncProgram", ["own", "signal", "tasks", "concurrency", "main actor", "own"])
    #expect(try rows.readOutputToEnd() == ["threads 1"])
    #expect(try rows.wait() == .exit(0))
  }

  /// What `scripts/ci/valgrind-async` runs, too.
  @Test func `a program whose waits end in every way ends`() throws {
    #expect(try run("everything").output == (0..<5).map { "round \($0)" } + ["done"])
  }

  /// If one of these stays on the thread with a newer Swift, the article is out of date.
  @Test(arguments: ["Task.sleep", "Task.detached", "resolver"])
  func `what the article says starts threads does so`(row: String) throws {
    let output = try run(row).output
    let count = try #require(output.first?.split(separator: " ").last.flatMap { Int($0) })
    #expect(count > 1, "\(output)")
  }

  @Test func `a callback, an actor of somebody else's and the main actor work together`() throws {
    let expected = (1...20).map { "\($0): \($0) counted, \(2 * $0 - 1) shown" } + ["threads 1"]
    #expect(try run("together").output == expected)
  }

  @Test func `a task that a callback starts runs where the loop serves the main actor`() throws {
    let (output, errors) = try run("served")
    #expect(output == ["the task runs", "counted 1"])
    #expect(errors == [])
  }

  @Test func `a debug build says that nobody serves the main actor`() throws {
    let (output, errors) = try run("unserved")
    #expect(output == ["the task has not run"])
    #if DEBUG
      #expect(errors.count == 1)
      #expect(errors.first?.contains("loop.serveMainActor()") == true, "\(errors)")
    #endif
  }

  @Test func `on a signal who is busy is served to the end, and the program ends with 0`() throws {
    let program = try Program("AsyncProgram", ["echo"])
    let client = try connect(to: program)
    try client.send(Array("one".utf8))
    #expect(try client.receive(3) == Array("one".utf8))
    program.send(signal: SIGTERM)
    #expect(try program.readLine() == "signal 15")
    try client.send(Array("two".utf8))
    #expect(try client.receive(3) == Array("two".utf8))
    client.close()
    #expect(try program.readOutputToEnd() == ["all have left"])
    #expect(try program.wait() == .exit(0))
  }

  @Test func `on a signal who stays idle is closed at the deadline`() throws {
    let program = try Program("AsyncProgram", ["echo"])
    let client = try connect(to: program)
    try client.send(Array("one".utf8))
    #expect(try client.receive(3) == Array("one".utf8))
    program.send(signal: SIGTERM)
    #expect(try program.readOutputToEnd() == ["signal 15", "deadline", "all have left"])
    #expect(try program.wait() == .exit(0))
  }

  private func connect(to program: Program) throws -> RawSocket {
    let line = try #require(try program.readLine())
    let port = try #require(line.split(separator: ":").last.flatMap { UInt16($0) })
    return try RawSocket.connect(port: port)
  }
}
