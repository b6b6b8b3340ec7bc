import TestTaskProto
import TestTaskTestSupport
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Several servers that share a port and count clients together.
@Suite struct ServerProcessesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func start(port: UInt16 = 0) throws -> (program: Program, port: UInt16) {
    let ini = folder.path + "/server.ini"
    try writeFile(ini, "[server]\nreuse_port = yes\ncount_file = count\n[log]\nfile = log\n")
    let program = try Program(
      "testtask-server", ["--config", ini, "--port", "\(port)"], directory: folder.path)
    let line = try program.readErrorLine() ?? ""
    let port = line.split(separator: "=").last.flatMap { UInt16($0) }
    return (program, try #require(port, "\(line)"))
  }

  private func count(_ client: RawSocket) throws -> UInt32? {
    try client.send(.slow(0))
    guard case .slowResponse(let count) = try client.receiveMessage() else { return nil }
    return count
  }

  @Test func `on one port all clients count, and those of a killed server no more`() throws {
    let (first, port) = try start()
    var alone: [RawSocket] = []
    for number in 1...3 as ClosedRange<UInt32> {
      alone.append(try RawSocket.connect(port: port))
      #expect(try alone.last.flatMap(count) == number)
    }
    // Both have the port from now on; the new one starts at no clients.
    let (second, same) = try start(port: port)
    #expect(same == port)
    var some = alone
    for _ in 0..<20 {
      some.append(try RawSocket.connect(port: port))
      #expect(try some.last.flatMap(count) == UInt32(some.count))
    }
    first.send(signal: SIGKILL)
    #expect(try first.wait() == .signal(SIGKILL))
    let (third, _) = try start(port: port)
    let asking = try RawSocket.connect(port: port)
    let left = try #require(try count(asking))
    #expect(left >= 1 && left <= 21)
    // Those of the second are still there, and answer to the same number.
    for client in alone { client.close() }
    #expect(try count(asking) == left)
    for program in [second, third] {
      program.send(signal: SIGTERM)
      #expect(try program.wait() == .exit(0))
    }
  }

  @Test func `a count file that is something else ends the start, and the check, with 1`() throws {
    folder.put("precious", "count")
    let ini = folder.path + "/server.ini"
    try writeFile(ini, "[server]\nport = 0\ncount_file = count\n")
    for arguments in [["--config", ini], ["--config", ini, "--check-config"]] {
      let program = try Program("testtask-server", arguments, directory: folder.path)
      #expect(try program.wait() == .exit(1))
      let reason =
        "cannot share the number of clients: count is no file of a count: it holds something else"
      #expect(try program.readErrorsToEnd() == ["testtask-server: error: \(reason)"])
    }
    #expect(folder.contents("count") == "precious")
    // It would work, and nothing is made by the check.
    unlink(folder.path + "/count")
    let check = try Program(
      "testtask-server", ["--config", ini, "--check-config"], directory: folder.path)
    #expect(try check.wait() == .exit(0))
    #expect(access(folder.path + "/count", F_OK) != 0)
  }
}
