import Testing
import UVNet
import UVNetTestKit

/// Each in a process of its own: there is one standard input.
@Suite struct StandardInputTests {
  private static func become(_ descriptor: Int32) {
    dup2(descriptor, 0)
    close(descriptor)
  }

  private static func file(_ text: StaticString) -> Int32 {
    let file = tmpfile().map(fileno) ?? -1
    write(file, text.utf8Start, text.utf8CodeUnitCount)
    lseek(file, 0, SEEK_SET)
    return dup(file)
  }

  /// A pipe whose writer has written `text` and is gone.
  private static func pipe(_ text: StaticString) -> Int32 {
    var ends: [Int32] = [-1, -1]
    _ = Glibc.pipe(&ends)
    write(ends[1], text.utf8Start, text.utf8CodeUnitCount)
    close(ends[1])
    return ends[0]
  }

  /// Nothing but the loop keeps it, and nothing else keeps the loop alive.
  private static func pauseAndResume(_ kind: StandardInput.Kind) throws {
    try LoopHarness.run { loop, calls in
      #expect(StandardInput.kind == kind)
      _ = try StandardInput.open(
        on: loop,
        .init(
          onData: { input, bytes in
            calls.record(String(decoding: bytes.array, as: UTF8.self))
            input.pause()
            let timer = LoopTimer.after(.milliseconds(20), on: loop) { _ in
              calls.record("resumed")
              expectNoError { try input.resume() }
            }
            timer.keepsLoopAlive = false
          }, onEnd: { _, error in calls.record(error?.name ?? "end") }))
      calls.expect(["hello", "resumed", "end"])
    }
  }

  @Test func `a file that is paused stays open and keeps the loop alive`() async {
    await #expect(processExitsWith: .success) {
      Self.become(Self.file("hello"))
      try Self.pauseAndResume(.file)
    }
  }

  @Test func `a pipe that is paused stays open and keeps the loop alive`() async {
    await #expect(processExitsWith: .success) {
      Self.become(Self.pipe("hello"))
      try Self.pauseAndResume(.stream)
    }
  }

  @Test func `a paused file is closed by the end of the loop`() async {
    await #expect(processExitsWith: .success) {
      Self.become(Self.file("hello"))
      let loop = try EventLoop()
      weak var input: StandardInput?
      input = try StandardInput.open(
        on: loop, .init(onData: { _, _ in }, onEnd: { _, _ in Issue.record("it has not ended") }))
      input?.pause()
      loop.endAndClose()
      #expect(input == nil)
    }
  }

  @Test func `standard input cannot be opened twice on a loop, which is said`() async {
    await #expect(processExitsWith: .success) {
      Self.become(Self.pipe("hello"))
      try LoopHarness.run { loop, calls in
        let handlers = StandardInput.Handlers(
          onData: { _, _ in }, onEnd: { _, _ in calls.record("end") })
        _ = try StandardInput.open(on: loop, handlers)
        let error = #expect(throws: UVError.self) { try StandardInput.open(on: loop, handlers) }
        #expect(error?.detail == "standard input is open already")
        calls.expect(["end"])
      }
    }
  }

  @Test func `a directory and a datagram socket are errors, and leave nothing`() async {
    await #expect(processExitsWith: .success) {
      let datagrams = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
      for descriptor in [open("/", O_RDONLY), datagrams] {
        Self.become(descriptor)
        #expect(StandardInput.kind == .unreadable)
        let loop = try EventLoop()
        #expect(throws: UVError.self) {
          try StandardInput.open(on: loop, .init(onData: { _, _ in }, onEnd: { _, _ in }))
        }
        try loop.close()
      }
    }
  }

  @Test func `/dev/null ends at once, and a closed standard input is known as such`() async {
    await #expect(processExitsWith: .success) {
      Self.become(open("/dev/null", O_RDONLY))
      try LoopHarness.run { loop, calls in
        _ = try StandardInput.open(
          on: loop,
          .init(
            onData: { _, _ in calls.record("data") },
            onEnd: { _, error in calls.record(error?.name ?? "end") }))
        calls.expect(["end"])
      }
      close(0)
      #expect(StandardInput.kind == .closed)
    }
  }

  @Test func `a device that can be polled is read when it has something`() async {
    await #expect(processExitsWith: .success) {
      Self.become(open("/dev/random", O_RDONLY))
      let flags = fcntl(0, F_GETFL)
      try LoopHarness.run { loop, calls in
        _ = try StandardInput.open(
          on: loop,
          .init(
            onData: { input, bytes in
              calls.record("data")
              if calls.names.count == 3 { input.close() }
            }, onEnd: { _, _ in calls.record("end") }))
        #expect(fcntl(0, F_GETFL) & O_NONBLOCK != 0, "so that no read waits")
        calls.expect(["data", "data", "data"])
      }
      #expect(fcntl(0, F_GETFL) == flags, "given back as it was")
    }
  }
}
