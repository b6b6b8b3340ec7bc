import Testing
import UVNet
import UVNetTestKit

@Suite struct DescriptorWatchTests {
  /// Two ends of a local stream; the caller closes both.
  private static func pair() throws -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, streamSocket, 0, &ends) == 0)
    return (ends[0], ends[1])
  }

  private static func readSome(_ descriptor: Int32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: 100)
    return Array(bytes[..<max(0, read(descriptor, &bytes, bytes.count))])
  }

  @Test func `what can be read is told until it is read, and the end of the stream is`() throws {
    try LoopHarness.run { loop, calls in
      let (near, far) = try Self.pair()
      var turns = 0
      _ = try DescriptorWatch.on(near, for: .readable, on: loop) { watch, events in
        #expect(events == .readable)
        turns += 1
        guard turns > 1 else { return }
        let bytes = Self.readSome(near)
        calls.record(String(decoding: bytes, as: UTF8.self))
        guard bytes.isEmpty else { return _ = close(far) }
        watch.close()
        close(near)
      }
      _ = write(far, "hello", 5)
      calls.expect(["hello", ""])
    }
  }

  @Test func `what is watched for can be changed, and nothing keeps no loop alive`() throws {
    try LoopHarness.run { loop, calls in
      let (near, far) = try Self.pair()
      let watch = try DescriptorWatch.on(near, for: [.readable, .writable], on: loop) {
        watch, events in
        if events.contains(.writable) {
          calls.record("writable")
          _ = write(far, "x", 1)
          watch.setEvents([.readable, .disconnected])
        } else if events == .readable {
          calls.record("readable")
          #expect(Self.readSome(near).count == 1)
          close(far)
        } else {
          calls.record(events.contains(.disconnected) ? "disconnected" : "\(events)")
          watch.setEvents([])
          // Nothing keeps the loop alive now but this.
          LoopTimer.after(.milliseconds(5), on: loop) { _ in
            watch.close()
            close(near)
          }
        }
      }
      #expect(watch.descriptor == near)
      calls.expect(["writable", "readable", "disconnected"])
    }
  }

  @Test func `it can be closed in its callback, its descriptor at once, and does nothing after`()
    throws
  {
    try LoopHarness.run { loop, calls in
      let (near, far) = try Self.pair()
      _ = try DescriptorWatch.on(near, for: .writable, on: loop) { watch, _ in
        calls.record("ready")
        watch.close()
        close(near)
        close(far)
        watch.setEvents(.writable)
      }
      calls.expect(["ready"])
    }
  }

  @Test func `what cannot be watched is an error, and leaves nothing`() throws {
    let loop = try EventLoop()
    let none = #expect(throws: UVError.self) {
      try DescriptorWatch.on(-1, for: .readable, on: loop) { _, _ in }
    }
    #expect(none?.code == .badDescriptor)
    #if os(Linux)
      let folder = open("/", O_RDONLY)
      let polled = #expect(throws: UVError.self) {
        try DescriptorWatch.on(folder, for: .readable, on: loop) { _, _ in }
      }
      #expect(polled?.code == .notPermitted)
      close(folder)
    #endif
    try loop.close()
  }

  #if os(Linux)
    @Test func `a change of a folder is told by inotify on the loop`() throws {
      try LoopHarness.run { loop, calls in
        let template = Array("/tmp/uvnet-watch-XXXXXX".utf8CString)
        let folder = try template.withUnsafeBufferPointer { text -> String in
          var name = Array(text)
          _ = try #require(mkdtemp(&name))
          return String(decoding: name.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        let notifier = inotify_init1(Int32(IN_CLOEXEC | IN_NONBLOCK))
        try #require(inotify_add_watch(notifier, folder, UInt32(IN_CREATE)) >= 0)
        _ = try DescriptorWatch.on(notifier, for: .readable, on: loop) { watch, _ in
          #expect(!Self.readSome(notifier).isEmpty)
          calls.record("created")
          watch.close()
          close(notifier)
          rmdir(folder + "/new")
          rmdir(folder)
        }
        loop.nextTick { mkdir(folder + "/new", 0o700) }
        calls.expect(["created"])
      }
    }
  #endif
}
