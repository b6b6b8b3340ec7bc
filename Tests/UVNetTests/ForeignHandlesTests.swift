import CLibUV
import Testing
import UVNet
import UVNetTestKit

/// What C libraries have on a loop, by way of ``EventLoop/unsafeRawLoop``.
@Suite struct ForeignHandlesTests {
  static let anyPort = SocketAddress(.loopback, port: 0)

  @Test func `a C library's timer fires, keeps the loop alive, and is no handle of ours`() throws {
    try LoopHarness.run { loop, calls in
      let timer = ForeignTimer(on: loop)
      timer.start(after: 1) {
        #expect(loop.openHandles.contains("foreign timer"))
        calls.record("fired")
        timer.close { calls.record("closed") }
        #expect(loop.openHandles.contains("foreign timer (closing)"))
      }
      calls.expect(["fired", "closed"])
    }
  }

  @Test func `a foreign handle's data is left alone, whatever walks the loop`() throws {
    let loop = try EventLoop()
    let timer = ForeignTimer(on: loop)
    timer.start(after: 1_000_000) {}
    timer.raw.pointee.data = UnsafeMutableRawPointer(bitPattern: 1)
    LoopTimer.every(.seconds(100), on: loop) { _ in }
    #expect(loop.openHandles == ["LoopTimer", "foreign timer"])
    #expect(loop.counters.openHandles == ["LoopTimer": 1, "foreign timer": 1])
    loop.end()
    loop.run()
    #expect(loop.openHandles == ["foreign timer"])
    timer.close {}
    loop.endAndClose()
  }

  @Test func `the loop's own data is free for a C library`() throws {
    try LoopHarness.run { loop, calls in
      loop.rawLoop.pointee.data = UnsafeMutableRawPointer(bitPattern: 1)
      try loop.withConnectedPair { connected, accepted in
        connected.start(.init(onData: { _, _ in }, onClose: { _, _ in calls.record("closed") }))
        accepted.start(.init(onData: { accepted, _ in accepted.close() }))
        expectNoError { try connected.write("x") }
      }
      calls.expect(["closed"])
    }
  }

  @Test func `a loop with foreign handles open is not closed, names them, and goes on`() throws {
    let loop = try EventLoop()
    var calls = 0
    let timer = ForeignTimer(on: loop)
    timer.start(after: 1) {
      calls += 1
      timer.close { calls += 1 }
    }
    for _ in 0..<2 {
      let error = #expect(throws: UVError.self) { try loop.close() }
      #expect(error?.code == .busy)
      #expect(error?.detail == "foreign timer")
    }
    loop.run()
    #expect(calls == 2)
    try loop.close()
  }

  @Test func `handles that are discarded are not taken for foreign ones`() throws {
    let loop = try EventLoop()
    _ = loop.unsafeRawLoop
    #expect(throws: UVError.self) { try SignalSource.on(SIGKILL, on: loop) { _ in } }
    #expect(throws: UVError.self) { try TCPConnection.adopt(descriptor: -1, on: loop) }
    #expect(loop.openHandles.isEmpty)
    try loop.close()
  }

  @Test func `a foreign request keeps the loop from being closed, and is named`() throws {
    let loop = try EventLoop()
    var gate: [Int32] = [-1, -1]
    try #require(pipe(&gate) == 0)
    let work = Work(waitingFor: gate[0])
    work.begin(on: loop)
    let error = #expect(throws: UVError.self) { try loop.close() }
    #expect(error?.detail == "foreign request")
    #expect(write(gate[1], "x", 1) == 1)
    loop.run()
    #expect(work.isDone)
    try loop.close()
    gate.forEach { close($0) }
  }

  @Test func `the end waits for what a library has closed, whose memory its callback frees`() throws
  {
    let loop = try EventLoop()
    var isClosed = false
    let timer = ForeignTimer(on: loop)
    timer.close { isClosed = true }
    loop.endAndClose()
    #expect(isClosed)
  }

  @Test func `a loop whose library has not closed its handles is given up`() throws {
    let loop = try EventLoop()
    let timer = ForeignTimer(on: loop)
    timer.start(after: 1_000_000) {}
    var isClosed = false
    LoopTimer.after(.seconds(100), on: loop) { _ in Issue.record("not due") }
    loop.nextTick { isClosed = true }
    loop.endAndClose()
    #expect(isClosed)
    // The library may still touch what it has: libuv's loop stays, and its handles with it.
    timer.stop()
    // For the leak checker, which is to find it.
    Kept.loops.append(timer)
  }

  @Test func `what is written in a foreign callback is offered in the same turn`() throws {
    try LoopHarness.run { loop, calls in
      let (near, far) = try Self.pair()
      let poll = ForeignPoll(near, on: loop)
      try loop.withConnectedPair { connected, accepted in
        accepted.start(.init(onData: { accepted, _ in accepted.close() }))
        connected.start(.init(onData: { _, _ in }))
        poll.start {
          let turn = loop.counters.turns
          expectNoError { try connected.write("hello") }
          #expect(connected.pendingBytes == 5)
          // libuv calls back at the end of the turn.
          poll.close {
            #expect(loop.counters.turns == turn)
            #expect(connected.pendingBytes == 0)
            calls.record("closed")
            close(near)
            close(far)
          }
        }
        #expect(write(far, "x", 1) == 1)
      }
      calls.expect(["closed"])
    }
  }

  @Test func `what is written in a foreign timer leaves, though nothing else happens`() throws {
    let peer = try RawSocket.listen()
    try LoopHarness.run { loop, calls in
      let timer = ForeignTimer(on: loop)
      TCPConnection.connect(to: SocketAddress(.loopback, port: peer.port), on: loop) { result in
        expectNoError {
          let connection = try result.get()
          connection.keepsLoopAlive = false
          timer.start(after: 1) {
            expectNoError { try connection.write("hello") }
            timer.close { loop.stop() }
          }
        }
      }
      loop.run()
      let far = try peer.accept()
      #expect(try far.receive(5) == Array("hello".utf8))
      loop.end()
    }
  }

  private static func pair() throws -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, streamSocket, 0, &ends) == 0)
    return (ends[0], ends[1])
  }
}

extension EventLoop {
  fileprivate var rawLoop: UnsafeMutablePointer<uv_loop_t> {
    unsafeRawLoop.assumingMemoryBound(to: uv_loop_t.self)
  }
}

private enum Kept { nonisolated(unsafe) static var loops: [ForeignTimer] = [] }

/// A handle as a C library has one: libuv's, with memory of its own.
private class ForeignHandle {
  let memory: UnsafeMutableRawPointer
  var onEvent: () -> Void = {}
  private var onClose: () -> Void = {}

  var raw: UnsafeMutablePointer<uv_handle_t> { memory.assumingMemoryBound(to: uv_handle_t.self) }

  init(_ type: uv_handle_type) {
    memory = .allocate(byteCount: uv_handle_size(type), alignment: 16)
  }

  func retainForCallbacks() { raw.pointee.data = Unmanaged.passRetained(self).toOpaque() }

  func close(_ body: @escaping () -> Void) {
    onClose = body
    // Wherever a test has let it point to.
    raw.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    uv_close(raw) { raw in
      guard let raw else { return }
      let handle = Unmanaged<ForeignHandle>.fromOpaque(raw.pointee.data).takeRetainedValue()
      handle.onClose()
      handle.onClose = {}
      handle.onEvent = {}
      handle.memory.deallocate()
    }
  }

  static func fire(_ data: UnsafeMutableRawPointer?) {
    guard let data else { return }
    Unmanaged<ForeignHandle>.fromOpaque(data).takeUnretainedValue().onEvent()
  }
}

private final class ForeignTimer: ForeignHandle {
  private var timer: UnsafeMutablePointer<uv_timer_t> {
    memory.assumingMemoryBound(to: uv_timer_t.self)
  }

  init(on loop: EventLoop) {
    super.init(UV_TIMER)
    uv_timer_init(loop.rawLoop, timer)
    retainForCallbacks()
  }

  func start(after milliseconds: UInt64, _ body: @escaping () -> Void) {
    onEvent = body
    uv_timer_start(timer, { ForeignHandle.fire($0?.pointee.data) }, milliseconds, 0)
  }

  func stop() { uv_timer_stop(timer) }
}

private final class ForeignPoll: ForeignHandle {
  private var poll: UnsafeMutablePointer<uv_poll_t> {
    memory.assumingMemoryBound(to: uv_poll_t.self)
  }

  init(_ descriptor: Int32, on loop: EventLoop) {
    super.init(UV_POLL)
    uv_poll_init(loop.rawLoop, poll, descriptor)
    retainForCallbacks()
  }

  func start(_ body: @escaping () -> Void) {
    onEvent = body
    uv_poll_start(poll, Int32(UV_READABLE.rawValue)) { poll, _, _ in
      ForeignHandle.fire(poll?.pointee.data)
    }
  }
}

/// Work on libuv's threads that lasts until a descriptor can be read.
private final class Work {
  private let request = UnsafeMutablePointer<uv_work_t>.allocate(capacity: 1)
  private let descriptor: Int32
  private(set) var isDone = false

  init(waitingFor descriptor: Int32) { self.descriptor = descriptor }

  func begin(on loop: EventLoop) {
    request.initialize(to: uv_work_t())
    request.pointee.data = Unmanaged.passRetained(self).toOpaque()
    uv_queue_work(
      loop.rawLoop, request,
      { request in
        guard let data = request?.pointee.data else { return }
        let work = Unmanaged<Work>.fromOpaque(data).takeUnretainedValue()
        var byte: UInt8 = 0
        _ = read(work.descriptor, &byte, 1)
      },
      { request, _ in
        guard let data = request?.pointee.data else { return }
        Unmanaged<Work>.fromOpaque(data).takeRetainedValue().isDone = true
        request?.deallocate()
      })
  }
}
