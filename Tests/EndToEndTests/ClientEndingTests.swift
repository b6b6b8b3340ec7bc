import TestTaskProto
import Testing
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How a connection ends, what the client calls it, and the code it exits with.
@Suite struct ClientEndingTests {
  private static let answer = Message.fastResponse(currentDateTime: "19851019T050107.333").frame

  /// The reasons in `--json` output.
  private func reasons(_ lines: [String]) -> Set<String> {
    Set(
      lines.compactMap { line in
        line.ranges(of: "\"reason\":\"").first.map {
          String(line[$0.upperBound...].prefix { $0 != "\"" })
        }
      })
  }

  @Test(
    arguments: [(answers: true, resets: false), (true, true), (false, false), (false, true)])
  func `a server that ends the connection has closed it, whatever is on its way to it`(
    answers: Bool, resets: Bool
  ) throws {
    for pause in [0, 0, 0, 0, 20, 50, 100, 200, 400, 1000] as [UInt32] {
      let peer = try RawSocket.listen()
      let client = try Program(
        "testtask-client", ["127.0.0.1:\(peer.port)", "-e", "fast", "-e", "fast", "--json"])
      let connection = try peer.accept()
      // A server that answers has read the first request; the other has read nothing.
      if answers {
        _ = try connection.receive(3)
        try connection.send(Self.answer)
      } else {
        try client.readLines { $0.contains("\"sent\"") }
      }
      if pause > 0 { usleep(pause) }
      if resets { connection.reset() } else { connection.close() }
      let lines = try client.readOutputToEnd()
      #expect(reasons(lines).subtracting(["ended by the client"]) == ["closed by the server"])
      #expect(try client.readErrorsToEnd().contains { $0.contains("closed by the server") })
      #expect(try client.wait() == .exit(2))
    }
  }

  @Test func `all answered, then a reset: a script ends with 0, whatever comes first`() throws {
    for pause in [0, 0, 0, 0, 20, 50, 100, 200, 400, 1000] as [UInt32] {
      for ending in [[], ["-e", "quit"], ["-e", "stats"]] {
        let peer = try RawSocket.listen()
        let client = try Program(
          "testtask-client", ["127.0.0.1:\(peer.port)", "--json", "-e", "fast"] + ending)
        let connection = try peer.accept()
        _ = try connection.receive(3)
        try connection.send(Self.answer)
        if pause > 0 { usleep(pause) }
        connection.reset()
        #expect(try client.wait() == .exit(0), "\(pause) us \(ending)")
        if ending != ["-e", "stats"] { #expect(try client.readErrorsToEnd() == []) }
      }
    }
  }

  @Test(arguments: ["quit\n", ""])
  func `a loss while a script waits for its next line ends it with 2, and a reason`(
    last: String
  ) throws {
    let peer = try RawSocket.listen()
    let client = try Program("testtask-client", ["127.0.0.1:\(peer.port)", "--json"], input: .pipe)
    try client.write("fast\n")
    let connection = try peer.accept()
    _ = try connection.receive(3)
    try connection.send(Self.answer)
    try client.readLines { $0.contains("\"received\"") }
    connection.close()
    try client.readLines { $0.contains("\"disconnected\"") }
    // The program has had its turn after that line.
    usleep(100_000)
    try client.write(last)
    client.endInput()
    #expect(try client.readErrorsToEnd() == ["testtask-client: closed by the server"])
    #expect(try client.wait() == .exit(2))
  }

  @Test func `without a server an empty script says why it ends with 2`() throws {
    let port = try RawSocket.listen().port
    let client = try Program("testtask-client", ["127.0.0.1:\(port)", "--json"])
    let errors = try client.readErrorsToEnd()
    #expect(errors.count == 1)
    #expect(errors.first?.contains("could not connect to 127.0.0.1:\(port): ") == true)
    #expect(try client.wait() == .exit(2))
  }

  @Test func `a violation is told in words, and its bytes are shown where they are wanted`() throws
  {
    for arguments in [["--verbose"], ["--json"], []] {
      let peer = try RawSocket.listen()
      let client = try Program(
        "testtask-client", ["127.0.0.1:\(peer.port)", "-e", "fast", "--time", "none"] + arguments)
      let connection = try peer.accept()
      _ = try connection.receive(3)
      try connection.send([0x04, 0x1a, 0x00, 0x22, 0x00])
      let output = try client.readOutputToEnd().joined(separator: "\n")
      let words = "protocol violation: a message that protobuf cannot read, at byte 0"
      #expect(output.contains(words))
      #expect(output.contains("frame begins 04 1a 00 22 00") == (arguments == ["--verbose"]))
      #expect(output.contains("\"frame_hex\":\"041a002200\"") == (arguments == ["--json"]))
      #expect(try client.readErrorsToEnd() == ["testtask-client: -e: protocol violation"])
      #expect(try client.wait() == .exit(5))
    }
  }

  @Test func `an answer before its time and a time in another form are noted`() throws {
    let peer = try RawSocket.listen()
    let client = try Program(
      "testtask-client",
      ["127.0.0.1:\(peer.port)", "-e", "fast", "-e", "slow 1", "--time", "none"])
    let connection = try peer.accept()
    _ = try connection.receive(3)
    try connection.send(Message.fastResponse(currentDateTime: "20261125T204111.123456").frame)
    _ = try connection.receive(5)
    try connection.send(Message.slowResponse(connectedClientCount: 1).frame)
    let lines = try client.readOutputToEnd()
    #expect(
      lines.contains {
        $0.hasPrefix(
          "received #1 (fast): time 20261125T204111.123456 (not YYYYMMDDThhmmss.fff) in ")
      })
    #expect(
      lines.contains {
        $0.hasPrefix("received #2 (slow 1): 1 client in ") && $0.contains(" ms (early: ")
          && $0.hasSuffix(" ms of 1 s)")
      })
    #expect(try client.wait() == .exit(0))
  }
}
