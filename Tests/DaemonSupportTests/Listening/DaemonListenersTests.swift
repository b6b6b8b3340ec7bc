import TestTaskProgramBasics
import TestTaskTestSupport
import Testing
import UVNet
import UVNetTestKit

@testable import TestTaskDaemonSupport

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Listeners on a loop, and what they print.
@Suite struct DaemonListenersTests {
  private let folder: TemporaryFolder
  private let errors: Int32
  private let options = DaemonListeners.Options(tcp: .init(backlog: 16), unix: .init(backlog: 16))

  init() throws {
    folder = try TemporaryFolder()
    errors = open("\(folder.path)/errors", O_WRONLY | O_APPEND | O_CREAT, 0o600)
  }

  private var printed: String { folder.contents("errors") }

  private func listeners(
    on loop: EventLoop, inherited: [InheritedSocket] = []
  ) -> DaemonListeners {
    DaemonListeners(
      "listening", inherited: inherited, on: loop,
      diagnostics: Diagnostics(program: "daemon", descriptor: errors, journalStream: nil))
  }

  private func handlers(_ calls: CallRecord, _ loop: EventLoop, last: Int)
    -> DaemonListeners
    .Handlers
  {
    func record(_ name: String, _ connection: StreamConnection) {
      calls.record(name)
      connection.close()
      if calls.names.count == last { loop.end() }
    }
    return DaemonListeners.Handlers(
      onError: { _ in calls.record("error") }, onTCPConnection: { record("tcp", $0) },
      onUnixConnection: { record("unix", $0) })
  }

  @Test func `each place of the settings is listened at, and said`() throws {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      let listeners = listeners(on: loop)
      let places = try ListeningPlaces(
        host: "127.0.0.1", port: 0, socket: "\(folder.path)/socket")
      try listeners.open(at: places, options, .unprotected, handlers(calls, loop, last: 2))
      let address = try #require(listeners.tcp.first).localAddress
      #expect(
        printed
          == "listening address=127.0.0.1 port=\(address.port)\n"
          + "listening socket=\(folder.path)/socket\n")
      #expect(listeners.have(options))
      #expect(!listeners.have(.init(tcp: .init(backlog: 17), unix: options.unix)))
      TCPConnection.connect(to: address, on: loop) { result in
        (try? result.get())?.close()
        guard let unix = places.unix else { return }
        UnixConnection.connect(to: unix, on: loop) { (try? $0.get())?.close() }
      }
      calls.expect(["tcp", "unix"])
    }
  }

  @Test func `sockets of the service manager stand in the place of the settings'`() throws {
    defer { close(errors) }
    let (tcp, unix) = (
      try RawSocket.listen(), try RawSocket.listen(path: "\(folder.path)/socket")
    )
    let port = tcp.port
    func socket(_ descriptor: Int32, _ kind: InheritedSocket.Kind) -> InheritedSocket {
      InheritedSocket(descriptor: descriptor, name: "", kind: kind)
    }
    let inherited = [socket(tcp.release(), .tcp), socket(unix.release(), .unix)]
    try LoopHarness.run { loop, calls in
      let listeners = listeners(on: loop, inherited: inherited)
      // This place could not be had.
      let places = try ListeningPlaces(host: nil, port: 0, socket: "/nowhere/socket")
      try listeners.open(at: places, options, .unprotected, handlers(calls, loop, last: 1))
      #expect(
        printed
          == "listening address=127.0.0.1 port=\(port)\nlistening socket=\(folder.path)/socket\n")
      TCPConnection.connect(to: SocketAddress(.loopback, port: port), on: loop) { result in
        (try? result.get())?.close()
      }
      calls.expect(["tcp"])
    }
    // The file is the service manager's.
    #expect(folder.names.contains("socket"))
  }

  @Test func `a socket that is none is said with its number`() throws {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      for kind in [InheritedSocket.Kind.tcp, .unix] {
        let listeners = listeners(
          on: loop, inherited: [InheritedSocket(descriptor: -1, name: "", kind: kind)])
        let error = #expect(throws: ListenFailure.self) {
          try listeners.open(
            at: ListeningPlaces(), options, .unprotected, handlers(calls, loop, last: 1))
        }
        #expect(
          error?.description.hasPrefix("cannot listen on socket -1 of the service manager: ")
            == true)
      }
      let listeners = listeners(on: loop)
      for socket in ["/nowhere/socket", folder.path] {
        #expect(throws: ListenFailure.self) {
          try listeners.open(
            at: ListeningPlaces(host: nil, port: 0, socket: socket), options, .unprotected,
            handlers(calls, loop, last: 1))
        }
      }
      #expect(printed.isEmpty)
      loop.end()
      calls.expect([])
    }
  }

  @Test func `listening beyond loopback is said before the address`() throws {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      let listeners = listeners(on: loop)
      try listeners.open(
        at: ListeningPlaces(host: "0.0.0.0", port: 0, socket: nil), options, .metrics,
        handlers(calls, loop, last: 1))
      let port = try #require(listeners.tcp.first).localAddress.port
      #expect(
        printed
          == "daemon: warning: METRICS BEYOND LOOPBACK on 0.0.0.0:\(port): everybody who can reach "
          + "this address can read them\nlistening address=0.0.0.0 port=\(port)\n")
      loop.end()
      calls.expect([])
    }
  }

  @Test func `paused listeners leave connections waiting, and closed ones refuse them`() throws {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      let listeners = listeners(on: loop)
      try listeners.open(
        at: ListeningPlaces(host: "127.0.0.1", port: 0, socket: nil), options, .unprotected,
        handlers(calls, loop, last: 99))
      listeners.pause()
      let address = try #require(listeners.tcp.first).localAddress
      TCPConnection.connect(to: address, on: loop) { result in
        calls.record("connected")
        listeners.resume()
        guard let connection = try? result.get() else { return loop.end() }
        connection.start(
          .init(
            onData: { _, _ in },
            onClose: { _, _ in
              listeners.leaveToOthers()
              listeners.close()
              TCPConnection.connect(to: address, on: loop) { result in
                calls.record(result.isRefused ? "refused" : "\(result)")
                loop.end()
              }
            }))
      }
      calls.expect(["connected", "tcp", "refused"])
    }
  }
}

extension Result where Failure == UVError {
  fileprivate var isRefused: Bool {
    if case .failure(let error) = self { error.code == .connectionRefused } else { false }
  }
}
