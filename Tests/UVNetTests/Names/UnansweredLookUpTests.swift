#if os(Linux)
  import CLibUV
  import Glibc
  import Testing
  import UVNet
  import UVNetTestKit

  @Suite(.serialized) struct UnansweredLookUpTests {
    @Test func `a look-up that is not answered is told once, as timed out or cancelled`() throws {
      try LoopHarness.run { loop, calls in
        let pool = try BusyThreadPool()
        Resolver.resolve("localhost", port: 1, timeout: .milliseconds(5), on: loop) { result in
          #expect(result.failure?.detail == "localhost")
          calls.record(result.failureCode?.name ?? "resolved")
          let second = Resolver.resolve("localhost", port: 1, on: loop) { result in
            calls.record(result.failureCode?.name ?? "resolved")
            pool.release()
          }
          second.cancel()
        }
        calls.expect(["ETIMEDOUT", "ECANCELED"])
      }
    }

    @Test func `a name that is not answered costs an attempt to connect its time, and no more`()
      throws
    {
      try LoopHarness.run { loop, calls in
        let pool = try BusyThreadPool()
        TCPConnection.connect(host: "localhost", port: 1, on: loop, timeout: .milliseconds(5)) {
          #expect($0.failure?.operation == .resolve)
          calls.record($0.failureCode?.name ?? "connected")
          pool.release()
        }
        calls.expect(["ETIMEDOUT"])
      }
    }
  }

  /// Keeps all threads of libuv's pool busy, so that no look-up begins.
  private final class BusyThreadPool {
    struct Gate {
      var hasBegun = sem_t()
      var mayEnd = sem_t()
    }

    private let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    private let gate = UnsafeMutablePointer<Gate>.allocate(capacity: 1)
    private let work: UnsafeMutableBufferPointer<uv_work_t>

    init() throws {
      let size = getenv("UV_THREADPOOL_SIZE").flatMap { Int(String(cString: $0)) } ?? 4
      work = .allocate(capacity: size)
      gate.initialize(to: Gate())
      sem_init(&gate.pointee.hasBegun, 0, 0)
      sem_init(&gate.pointee.mayEnd, 0, 0)
      try #require(uv_loop_init(loop) == 0)
      for place in work.indices {
        let request = work.baseAddress?.advanced(by: place)
        request?.initialize(to: uv_work_t())
        request?.pointee.data = UnsafeMutableRawPointer(gate)
        let status = uv_queue_work(
          loop, request,
          { request in
            guard let gate = request?.pointee.data.assumingMemoryBound(to: Gate.self) else {
              return
            }
            sem_post(&gate.pointee.hasBegun)
            sem_wait(&gate.pointee.mayEnd)
          },
          { _, _ in })
        #expect(status == 0)
      }
      // Other tests' look-ups may have the threads until now.
      for _ in work { sem_wait(&gate.pointee.hasBegun) }
    }

    /// Lets the threads go.
    func release() {
      for _ in work { sem_post(&gate.pointee.mayEnd) }
      uv_run(loop, UV_RUN_DEFAULT)
      uv_loop_close(loop)
      sem_destroy(&gate.pointee.hasBegun)
      sem_destroy(&gate.pointee.mayEnd)
      gate.deallocate()
      work.deallocate()
      loop.deallocate()
    }
  }
#endif
