import Synchronization
import Testing
import UVNetTestKit

@testable import UVNet

@Suite struct LoopThreadTests {
  @Test("work is done on the loop's thread, in order, until it is stopped")
  func work() throws {
    let worker = try LoopThread(name: "a worker with a long name")
    let main = ThreadNumber(pthread_self())
    let seen = Mutex<[Int]>([])
    for number in 0..<100 {
      let accepted = worker.remote.execute { _ in
        #expect(ThreadNumber(pthread_self()) != main)
        seen.withLock { $0.append(number) }
      }
      #expect(accepted)
    }
    worker.stop()
    worker.join()
    #expect(seen.withLock { $0 } == Array(0..<100))
    #expect(!worker.remote.execute { _ in Issue.record("the loop is closed") })
    worker.stop()
    worker.join()
  }

  @Test("a loop without anything to do waits for work")
  func waiting() throws {
    let worker = try LoopThread(name: "idle")
    let reader = try Pipe()
    for byte in UInt8(1)...3 {
      worker.remote.execute { _ in reader.write(byte) }
      #expect(reader.read() == byte)
    }
    worker.stop()
    worker.join()
  }

  @Test("stopping closes what is open on the loop, and says so")
  func stopping() throws {
    let worker = try LoopThread(name: "busy")
    let closed = Mutex(0)
    worker.remote.execute { loop in
      expectNoError {
        for _ in 0..<3 {
          let socket = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
          socket.start(
            .init(onDatagram: { _, _, _ in }, onClose: { _ in closed.withLock { $0 += 1 } }))
        }
        LoopTimer.every(.milliseconds(1), on: loop) { _ in }
      }
    }
    worker.stop()
    worker.join()
    #expect(closed.withLock { $0 } == 3)
  }

  @Test("its thread takes no signals, and the one that starts it takes those that it took")
  func signals() throws {
    let before = Self.blockedSignals
    let worker = try LoopThread(name: "deaf")
    let blocked = Mutex<[Int32]>([])
    worker.remote.execute { _ in
      let numbers = Self.blockedSignals
      blocked.withLock { $0 = numbers }
    }
    worker.stop()
    worker.join()
    #expect(blocked.withLock { $0 } == [SIGTERM, SIGINT, SIGHUP])
    #expect(Self.blockedSignals == before)
  }

  private static var blockedSignals: [Int32] {
    var mask = sigset_t()
    pthread_sigmask(SIG_SETMASK, nil, &mask)
    return [SIGTERM, SIGINT, SIGHUP].filter { sigismember(&mask, $0) == 1 }
  }
}

/// Which thread it is; to be compared only.
private struct ThreadNumber: Equatable, Sendable {
  private let bits: UInt
  init(_ thread: pthread_t) {
    #if canImport(Darwin)
      bits = UInt(bitPattern: thread)
    #else
      bits = thread
    #endif
  }
}

/// A pipe whose end a test reads, blocking.
private final class Pipe: Sendable {
  let reading: Int32
  let writing: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    (reading, writing) = (ends[0], ends[1])
  }

  deinit {
    close(reading)
    close(writing)
  }

  func write(_ byte: UInt8) {
    var byte = byte
    #expect(systemWrite(writing, &byte, 1) == 1)
  }

  func read() -> UInt8? {
    var byte: UInt8 = 0
    return systemRead(reading, &byte, 1) == 1 ? byte : nil
  }
}

// The C functions, where the class's own methods would hide them.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
private func systemRead(
  _ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int
) -> Int {
  read(descriptor, bytes, count)
}
