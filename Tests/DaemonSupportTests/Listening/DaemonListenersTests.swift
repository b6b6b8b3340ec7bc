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
  private var options: DaemonListeners.Options {
    var options = DaemonListeners.Options()
    options.backlog = 16
    return options
  }

  init() throws {
    folder = try TemporaryFolder()
    errors = open("\(folder.path)/errors", O_WRONLY | O_APPEND | O_CREAT, 0o600)
  }

  private var printed: String { folder.contents("errors") }

  private func listeners(
    on loop: EventLoop, inherited: [InheritedSocket] = [], _ exposure: Exposure = .unprotected
  ) -> DaemonListeners {
    DaemonListeners(
      "listening", inherited: inherited, options, exposure, on: loop,
      diagnostics: Diagnostics(program: "daemon", descriptor: errors, journalStream: nil))
  }

  private func handlers(
    _ calls: CallRecord, _ loop: EventLoop, last: Int
  ) -> DaemonListeners.Handlers {
    DaemonListeners.Handlers(onError: { _ in calls.record("error") }) { connection, peer in
      calls.record(peer.isTCP ? "tcp" : "unix")
      connection.close()
      if calls.names.count == last { loop.end() }
    }
  }

  @Test func `each place of the settings is listened at, and said`() throws {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      let listeners = listeners(on: loop)
      let places = try ListeningPlaces(
        host: "127.0.0.1", port: 0, socket: "\(folder.path)/socket")
      try listeners.open(at: places, handlers(calls, loop, last: 2))
      let address = try #require(listeners.tcp.first).localAddress
      #expect(
        printed
          == "listening address=127.0.0.1 port=\(address.port)\n"
          + "listening socket=\(folder.path)/socket\n")
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
      try listeners.open(at: places, handlers(calls, loop, last: 1))
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
            at: ListeningPlaces(), handlers(calls, loop, last: 1))
        }
        #expect(
          error?.description.hasPrefix("cannot listen on socket -1 of the service manager: ")
            == true)
      }
      let listeners = listeners(on: loop)
      for socket in ["/nowhere/socket", folder.path] {
        #expect(throws: ListenFailure.self) {
          try listeners.open(
            at: ListeningPlaces(host: nil, port: 0, socket: socket),
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
      let listeners = listeners(on: loop, .metrics)
      try listeners.open(
        at: ListeningPlaces(host: "0.0.0.0", port: 0, socket: nil),
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

  @Test func `options that have changed reach connections that come, and those that were there`()
    throws
  {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      let listeners = listeners(on: loop)
      var accepted: [StreamConnection] = []
      func marks() -> [Int] { accepted.map(\.writeLimits.highWaterMark) }
      var address: SocketAddress?
      func connect() {
        guard let address else { return }
        TCPConnection.connect(to: address, on: loop) { _ in }
      }
      try listeners.open(
        at: ListeningPlaces(host: "127.0.0.1", port: 0, socket: nil),
        .init(
          onError: { Issue.record($0) }, onRefusedOption: { _ in calls.record("refused") }
        ) { connection, _ in
          accepted.append(connection)
          calls.record("\(connection.writeLimits.highWaterMark)")
          guard accepted.count == 1 else {
            connection.close()
            // It has no descriptor any more that could have options.
            listeners.applyOptions(to: connection)
            return loop.end()
          }
          var changed = listeners.options
          changed.output = OutputLimits(
            highWaterMark: 5_000, lowWaterMark: 4_000, maximumPendingBytes: 6_000)
          changed.silence = SilenceLimits(unacknowledged: .seconds(9))
          listeners.options = changed
          #expect(!listeners.inheritsOptions)
          connect()
        })
      #expect(listeners.inheritsOptions)
      address = listeners.tcp.first?.localAddress
      connect()
      calls.expect(["\(StreamConnection.WriteLimits().highWaterMark)", "5000", "refused"])
    }
  }

  @Test func `a change back to what the listener was opened with costs nothing any more`() throws {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      let listeners = listeners(on: loop)
      try listeners.open(
        at: ListeningPlaces(host: "127.0.0.1", port: 0, socket: "\(folder.path)/socket"),
        handlers(calls, loop, last: 99))
      listeners.options.silence = SilenceLimits(unacknowledged: .seconds(9))
      #expect(!listeners.inheritsOptions)
      listeners.options.silence = nil
      #expect(listeners.inheritsOptions)
      loop.end()
      calls.expect([])
    }
  }

  @Test func `the log has where it listens, and with whom it shares that`() throws {
    defer { close(errors) }
    func fields(_ listeners: DaemonListeners) -> String {
      var line = LogText(.logfmt)
      listeners.addFields(to: &line)
      return String(line.content.dropFirst())
    }
    try LoopHarness.run { loop, calls in
      let own = listeners(on: loop)
      let places = try ListeningPlaces(
        host: "127.0.0.1", port: 0, socket: "\(folder.path)/socket")
      try own.open(at: places, handlers(calls, loop, last: 99))
      let port = try #require(own.tcp.first).localAddress.port
      #expect(fields(own) == "address=127.0.0.1 port=\(port) socket=\(folder.path)/socket")
      #expect(!own.areShared)
      let socket = try RawSocket.listen()
      let given = listeners(
        on: loop,
        inherited: [InheritedSocket(descriptor: socket.release(), name: "", kind: .tcp)])
      try given.open(at: places, handlers(calls, loop, last: 99))
      #expect(fields(given) == "inherited_sockets=1" && given.areShared)
      let reusing = listeners(on: loop)
      reusing.options.reusePort = true
      #expect(!reusing.areShared, "nothing by TCP yet")
      try reusing.open(
        at: ListeningPlaces(host: "127.0.0.1", port: 0, socket: nil),
        handlers(calls, loop, last: 99))
      #expect(reusing.areShared)
      loop.end()
      calls.expect([])
    }
  }

  @Test func `an exposure that changes is said again, of what is beyond loopback`() throws {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      let (open, inner) = (listeners(on: loop, .authenticated), listeners(on: loop, .authenticated))
      for (listeners, host) in [(open, "0.0.0.0"), (inner, "127.0.0.1")] {
        try listeners.open(
          at: ListeningPlaces(host: host, port: 0, socket: nil), handlers(calls, loop, last: 1))
      }
      let before = printed
      (open.exposure, inner.exposure) = (.authenticated, .authenticated)
      #expect(printed == before)
      (open.exposure, inner.exposure) = (.unprotected, .unprotected)
      let port = try #require(open.tcp.first).localAddress.port
      #expect(
        printed.dropFirst(before.count).hasPrefix(
          "daemon: warning: LISTENING BEYOND LOOPBACK on 0.0.0.0:\(port): the protocol has no "))
      #expect(printed.dropFirst(before.count).split(separator: "\n").count == 1)
      loop.end()
      calls.expect([])
    }
  }

  @Test func `paused listeners leave connections waiting, and closed ones refuse them`() throws {
    defer { close(errors) }
    try LoopHarness.run { loop, calls in
      let listeners = listeners(on: loop)
      try listeners.open(
        at: ListeningPlaces(host: "127.0.0.1", port: 0, socket: nil),
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
