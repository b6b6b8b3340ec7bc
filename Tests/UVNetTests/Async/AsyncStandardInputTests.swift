import Testing
import UVNet
import UVNetTestKit

/// Each in a process of its own: there is one standard input.
@Suite struct AsyncStandardInputTests {
  /// Makes standard input a pipe, whose other end is given back.
  private static func becomePipe() -> Int32 {
    var ends: [Int32] = [-1, -1]
    _ = pipe(&ends)
    dup2(ends[0], 0)
    close(ends[0])
    return ends[1]
  }

  private static func write(_ text: String, to descriptor: Int32) {
    _ = Array(text.utf8).withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  @Test func `lines come as they are written, and the last one needs no end`() async {
    await #expect(processExitsWith: .success) {
      let writer = Self.becomePipe()
      try EventLoop.run { loop in
        let lines = try StandardInput.lines(on: loop)
        Self.write("one\ntw", to: writer)
        #expect(try await lines.next() == "one")
        let reader = loop.task { try await lines.next() }
        await Task.yield()
        Self.write("o\r\n\nthree", to: writer)
        #expect(try await reader.value == "two")
        close(writer)
        var rest: [String] = []
        for try await line in lines { rest.append(line) }
        #expect(rest == ["", "three"])
        #expect(try await lines.next() == nil)
      }
    }
  }

  @Test func `a file has lines as well, however many`() async {
    await #expect(processExitsWith: .success) {
      let file = tmpfile().map(fileno) ?? -1
      let count = 50_000
      for number in 0..<count { Self.write("\(number)\n", to: file) }
      lseek(file, 0, SEEK_SET)
      dup2(file, 0)
      try EventLoop.run { loop in
        var number = 0
        for try await line in try StandardInput.lines(on: loop) {
          #expect(line == "\(number)")
          number += 1
        }
        #expect(number == count)
      }
    }
  }

  @Test func `what nobody reads is bounded, and a line that is too long ends the input`() async {
    await #expect(processExitsWith: .success) {
      let writer = Self.becomePipe()
      _ = fcntl(writer, F_SETFL, O_NONBLOCK)
      try EventLoop.run { loop in
        let lines = try StandardInput.lines(on: loop, maximumLength: 100_000)
        let piece = [UInt8](repeating: 0x61, count: 4096)
        var written = 0
        var refusals = 0
        while refusals < 10 {
          let count = piece.withUnsafeBytes { Glibc.write(writer, $0.baseAddress, $0.count) }
          refusals = count > 0 ? 0 : refusals + 1
          if count > 0 { written += count }
          try await loop.sleep(for: .milliseconds(1))
        }
        #expect(written < 400_000, "the pipe's 64 KiB, ours, and a read more")
        #expect(written > 100_000)
        let error = await #expect(throws: FrameError<Never>.self) { try await lines.next() }
        #expect(error == .tooLong(maximumLength: 100_000))
      }
    }
  }

  @Test func `a cancelled wait loses no line, and a close ends the sequence`() async {
    await #expect(processExitsWith: .success) {
      let writer = Self.becomePipe()
      try EventLoop.run { loop in
        let lines = try StandardInput.lines(on: loop)
        Self.write("on", to: writer)
        let canceled = loop.task { try await lines.next() }
        await Task.yield()
        canceled.cancel()
        let error = await #expect(throws: FrameError<Never>.self) { try await canceled.value }
        #expect(error == .read(UVError(.canceled, during: .read)))
        Self.write("e\n", to: writer)
        #expect(try await lines.next() == "one")
        let reader = loop.task { try await lines.next() }
        await Task.yield()
        lines.close()
        #expect(try await reader.value == nil)
        try await loop.sleep(for: .milliseconds(1))
        #expect(loop.openHandles.filter { $0.hasPrefix("StandardInput") }.isEmpty)
      }
    }
  }
}
