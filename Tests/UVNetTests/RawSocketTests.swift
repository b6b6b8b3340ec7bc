import CLibUV
import Testing
import UVNet
import UVNetTestKit

/// The socket that tests drive a program with must itself not fail by chance.
struct RawSocketTests {
  /// What the waiting thread and the one that interrupts it share.
  private final class Waiter: @unchecked Sendable {
    private var mutex = pthread_mutex_t()
    private var thread: pthread_t?
    private var result: Result<[UInt8], any Error>?

    init() { pthread_mutex_init(&mutex, nil) }
    deinit { pthread_mutex_destroy(&mutex) }

    private func locked<Value>(_ body: () -> Value) -> Value {
      pthread_mutex_lock(&mutex)
      defer { pthread_mutex_unlock(&mutex) }
      return body()
    }

    /// Runs `body` on the calling thread, which ``interrupt()`` reaches until it has ended.
    func run(_ body: () throws -> [UInt8]) {
      // A thread that libdispatch started blocks signals, and so does each that it starts.
      var signals = sigset_t()
      sigemptyset(&signals)
      sigaddset(&signals, Self.signal)
      pthread_sigmask(SIG_UNBLOCK, &signals, nil)
      locked { thread = pthread_self() }
      let result = Result { try body() }
      locked {
        thread = nil
        self.result = result
      }
    }

    /// Sends the thread a signal; false when there is none to send it to.
    func interrupt() -> Bool {
      locked {
        guard let thread else { return false }
        return pthread_kill(thread, Self.signal) == 0
      }
    }

    var outcome: Result<[UInt8], any Error>? { locked { result } }

    #if canImport(Darwin)
      static let signal = SIGINFO
    #else
      static let signal = SIGPWR
    #endif
  }

  enum Call: CaseIterable { case accept, receive }

  @Test(.serialized, arguments: Call.allCases)
  func `a wait goes on when signals interrupt it`(_ call: Call) throws {
    // A handler that does nothing; a signal that nobody else uses.
    let old = signal(Waiter.signal) { _ in }
    defer { signal(Waiter.signal, old) }
    let listener = try RawSocket.listen()
    let port = listener.port
    let first = try RawSocket.connect(port: port)
    let accepted = try listener.accept()
    let waiter = Waiter()
    nonisolated(unsafe) let ends = (listener: listener, accepted: accepted)
    Thread.detach {
      waiter.run {
        switch call {
        case .accept: try ends.listener.accept().receive(1)
        case .receive: try ends.accepted.receive(1)
        }
      }
    }
    // Some come before the thread waits; that all do so is as good as impossible.
    var interruptions = 0
    while interruptions < 50, waiter.outcome == nil {
      if waiter.interrupt() { interruptions += 1 }
      usleep(1_000)
    }
    let sender = call == .accept ? try RawSocket.connect(port: port) : first
    try sender.send([7])
    while waiter.outcome == nil { usleep(1_000) }
    #expect(try waiter.outcome?.get() == [7])
  }
}
