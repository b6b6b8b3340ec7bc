import TestTaskTestSupport
import Testing

@testable import TestTaskProgramBasics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Descriptors that block, as they come from whoever starts a program, and that nobody reads.
@Suite struct DescriptorTests {
  /// Fills whatever it is; a write that waits would end this in the watchdog of the test run.
  private func fill(_ descriptor: Descriptor) throws -> Int {
    var total = 0
    // A pipe that has no room for a whole page may have room for a byte.
    for length in [1_000, 1] {
      let piece = [UInt8](repeating: UInt8(ascii: "x"), count: length)
      // Nothing here holds as much.
      while total < 64 << 20 {
        let count = try descriptor.write(someOf: piece[...])
        if count == 0 { break }
        total += count
      }
    }
    return total
  }

  private func isBlocking(_ number: Int32) -> Bool { fcntl(number, F_GETFL) & O_NONBLOCK == 0 }

  @Test func `a pipe that nobody reads takes what it has room for, and its flags stay`() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { ends.forEach { close($0) } }
    let descriptor = Descriptor(sharing: ends[1])
    defer { descriptor.close() }
    #expect(try fill(descriptor) > 0)
    #expect(try descriptor.write(someOf: [1]) == 0)
    #expect(isBlocking(ends[1]))
    var piece = [UInt8](repeating: 0, count: 65_536)
    #expect(read(ends[0], &piece, piece.count) > 0)
    #expect(try fill(descriptor) > 0)
  }

  @Test func `a terminal that nobody reads takes what it has room for, and its flags stay`() throws
  {
    var (controller, terminal): (Int32, Int32) = (-1, -1)
    try #require(openpty(&controller, &terminal, nil, nil, nil) == 0)
    defer {
      close(controller)
      close(terminal)
    }
    let descriptor = Descriptor(sharing: terminal)
    defer { descriptor.close() }
    #expect(descriptor.isTerminal)
    #expect(try fill(descriptor) > 0)
    #expect(try descriptor.write(someOf: [UInt8(ascii: "\n")]) == 0)
    #expect(isBlocking(terminal))
  }

  @Test func `the controlling side of a terminal is not opened anew, which would make another`()
    throws
  {
    var (controller, terminal): (Int32, Int32) = (-1, -1)
    try #require(openpty(&controller, &terminal, nil, nil, nil) == 0)
    defer {
      close(controller)
      close(terminal)
    }
    let descriptor = Descriptor(sharing: controller)
    #expect(descriptor.number == controller)
    #expect(try descriptor.write(someOf: Array("line\n".utf8)[...]) == 5)
    var piece = [UInt8](repeating: 0, count: 100)
    #expect(read(terminal, &piece, piece.count) == 5)
  }

  @Test func `a socket that nobody reads takes what it has room for, and its flags stay`() throws {
    var ends: [Int32] = [-1, -1]
    #if os(Linux)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    try #require(socketpair(AF_UNIX, kind, 0, &ends) == 0)
    let descriptor = Descriptor(sharing: ends[1])
    #expect(try fill(descriptor) > 0)
    #expect(isBlocking(ends[1]))
    close(ends[0])
    // And no signal either.
    #expect { _ = try descriptor.write(someOf: [1]) } throws: {
      ($0 as? Descriptor.Failure)?.isBrokenPipe == true
    }
    close(ends[1])
  }

  #if os(Linux)
    @Test func `what cannot be opened anew has its flags changed for one call only`() throws {
      var ends: [Int32] = [-1, -1]
      try #require(pipe(&ends) == 0)
      defer { ends.forEach { close($0) } }
      let descriptor = Descriptor(shared: ends[1], way: .switchedFlags)
      #expect(try fill(descriptor) > 0)
      #expect(isBlocking(ends[1]))
    }

    @Test func `a device takes what it takes, and says what is wrong`() throws {
      let number = open("/dev/full", O_WRONLY)
      defer { close(number) }
      let descriptor = Descriptor(sharing: number)
      #expect {
        _ = try descriptor.write(someOf: [1])
      } throws: { ($0 as? Descriptor.Failure)?.message == "No space left on device" }
    }
  #endif

  @Test func `a file is written to where its owner stands in it`() throws {
    let folder = try TemporaryFolder()
    let number = open("\(folder.path)/f", O_WRONLY | O_CREAT, 0o600)
    defer { close(number) }
    _ = write(number, "one\n", 4)
    #expect(try Descriptor(sharing: number).write(someOf: Array("two\n".utf8)[...]) == 4)
    _ = write(number, "three\n", 6)
    #expect(folder.contents("f") == "one\ntwo\nthree\n")
  }

  @Test func `a descriptor that is closed or read only fails at each write`() {
    for number in [Int32(-1), open("/dev/null", O_RDONLY)] {
      #expect(throws: Descriptor.Failure.self) {
        _ = try Descriptor(sharing: number).write(someOf: [1])
      }
      if number >= 0 { close(number) }
    }
  }

  @Test func `a text that nobody takes is given up`() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    defer { ends.forEach { close($0) } }
    let descriptor = Descriptor(sharing: ends[1])
    defer { descriptor.close() }
    try descriptor.write("taken", patience: 0)
    _ = try fill(descriptor)
    #expect(throws: Descriptor.Failure.self) { try descriptor.write("not taken", patience: 5) }
  }

  // MARK: Reading

  private func content(_ path: String, patience: Int64 = 20) throws -> String {
    String(
      decoding: try Descriptor.readFileOrPipe(path, limit: 1 << 20, patience: patience),
      as: UTF8.self)
  }

  private func refusal(of path: String) -> String {
    do {
      return "read: \(try content(path))"
    } catch {
      return (error as? Descriptor.Failure)?.message ?? "\(error)"
    }
  }

  @Test func `only files, and pipes that are written to their end, are read`() throws {
    let folder = try TemporaryFolder()
    folder.put("text", "file")
    #expect(try content("\(folder.path)/file") == "text")
    #expect(refusal(of: folder.path) == "Is a directory")
    #expect(refusal(of: "\(folder.path)/none") == "No such file or directory")
    #expect(refusal(of: "/dev/zero") == "it is a device, and no file")
    let fifo = "\(folder.path)/fifo"
    mkfifo(fifo, 0o600)
    #expect(refusal(of: fifo) == "it is a pipe that nobody has written to")
    let writer = open(fifo, O_RDWR)
    _ = write(writer, "half", 4)
    #expect(refusal(of: fifo) == "it is a pipe that did not end in time")
    close(writer)
  }

  #if os(Linux)
    @Test func `a pipe is read to its end, also what a command sends late`() throws {
      // A process writes, and not a task: a pool whose threads are all blocked starts none.
      let command = try #require(popen("sleep 0.02; printf 'one '; sleep 0.02; printf two", "r"))
      defer { pclose(command) }
      #expect(try content("/proc/self/fd/\(fileno(command))", patience: 60_000) == "one two")
    }
  #endif
}
