import TestTaskProgramBasics
import TestTaskTestSupport
import Testing
import UVNet
import UVNetTestKit

@testable import TestTaskDaemonSupport

/// Standard error that nobody reads.
private var silentDiagnostics: Diagnostics {
  Diagnostics(program: "daemon", descriptor: -1, journalStream: nil)
}

/// The endpoint on a loop, with clients on the same loop.
@Suite struct MetricsEndpointTests {
  private final class World {
    let loop: EventLoop
    var complaint: String?
    var scrapes = 0
    private(set) var address = SocketAddress(.loopback, port: 0)

    init(_ loop: EventLoop) throws {
      self.loop = loop
      let endpoint = MetricsEndpoint(
        on: loop,
        .init(
          metrics: { [unowned self] in
            scrapes += 1
            return Array("a 1\n".utf8)
          }, complaint: { [unowned self] in complaint }),
        mode: 0o600, diagnostics: silentDiagnostics)
      try endpoint.listen(at: ListeningPlaces(host: "127.0.0.1", port: 0, socket: nil)) {
        Issue.record($0)
      }
      address = try #require(endpoint.listeners.tcp.first).localAddress
    }

    /// Sends a text, and hands over all that comes until the end.
    func ask(_ text: String, _ completion: @escaping (String) -> Void) {
      TCPConnection.connect(to: address, on: loop) { result in
        guard let connection = try? result.get() else { return completion("not connected") }
        var answer = ""
        if !text.isEmpty { try? connection.write(text) }
        connection.start(
          .init(
            onData: { answer += String(decoding: $1) }, onEnd: { $0.close() },
            onClose: { _, _ in completion(answer) }))
      }
    }
  }

  private func run(_ body: @escaping (World, CallRecord) throws -> Void) throws {
    var world: World?
    try LoopHarness.run { loop, calls in
      world = try World(loop)
      try world.map { try body($0, calls) }
    }
    withExtendedLifetime(world) {}
  }

  @Test func `pages are served, one a connection, and the rest is refused`() throws {
    let cases = [
      ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "a 1\n"),
      ("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", ""),
      ("GET /healthz HTTP/1.0\r\n\r\n", "200 OK", "ok\n"),
      ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found", "404 Not Found\n"),
      ("POST /metrics HTTP/1.0\r\n\r\n", "405 Method Not Allowed", "405 Method Not Allowed\n"),
      ("\u{2}\u{1A}\u{0}", "400 Bad Request", "400 Bad Request\n"),
      // What follows is not looked at.
      ("GET /healthz HTTP/1.0\r\n\r\nGET /metrics HTTP/1.0\r\n\r\n", "200 OK", "ok\n"),
    ]
    try run { world, _ in
      var left = cases.count
      for (request, status, body) in cases {
        world.ask(request) { answer in
          #expect(answer.hasPrefix("HTTP/1.1 \(status)\r\n"), "\(request): \(answer)")
          #expect(answer.hasSuffix("\r\nConnection: close\r\n\r\n" + body), "\(request): \(answer)")
          left -= 1
          guard left == 0 else { return }
          #expect(world.scrapes == 2)
          world.loop.end()
        }
      }
    }
  }

  @Test func `the loop holds it, and nothing does when that has ended`() throws {
    weak var held: MetricsEndpoint?
    let loop = try EventLoop()
    do {
      let endpoint = MetricsEndpoint(
        on: loop, .init(metrics: { [] }, complaint: { nil }), diagnostics: silentDiagnostics)
      try endpoint.listen(at: ListeningPlaces(host: "127.0.0.1", port: 0, socket: nil)) {
        Issue.record($0)
      }
      held = endpoint
    }
    #expect(held != nil)
    loop.endAndClose()
    #expect(held == nil)
  }

  @Test func `sockets of the service manager are served, of both kinds`() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/metrics"
    try LoopHarness.run { loop, calls in
      let (tcp, unix) = (try RawSocket.listen(), try RawSocket.listen(path: path))
      let address = SocketAddress(.loopback, port: tcp.port)
      func inherited(_ descriptor: Int32, _ kind: InheritedSocket.Kind) -> InheritedSocket {
        InheritedSocket(descriptor: descriptor, name: "metrics", kind: kind)
      }
      let endpoint = MetricsEndpoint(
        on: loop, inherited: [inherited(tcp.release(), .tcp), inherited(unix.release(), .unix)],
        .init(metrics: { [] }, complaint: { nil }), diagnostics: silentDiagnostics)
      try endpoint.listen(at: ListeningPlaces()) { Issue.record($0) }
      func ask(_ connection: StreamConnection?) {
        guard let connection else { return calls.record("not connected") }
        var answer = ""
        try? connection.write("GET /healthz HTTP/1.0\r\n\r\n")
        connection.start(
          .init(
            onData: { answer += String(decoding: $1) }, onEnd: { $0.close() },
            onClose: { _, _ in
              calls.record(answer.hasSuffix("\r\n\r\nok\n") ? "answered" : answer)
              if calls.names.count == 2 { loop.end() }
            }))
      }
      TCPConnection.connect(to: address, on: loop) { ask(try? $0.get()) }
      UnixConnection.connect(to: try UnixAddress(path: path), on: loop) { ask(try? $0.get()) }
      calls.expect(["answered", "answered"])
    }
  }

  @Test func `a program that should get no work says so`() throws {
    try run { world, _ in
      world.complaint = "draining"
      world.ask("GET /healthz HTTP/1.0\r\n\r\n") { answer in
        #expect(answer.hasPrefix("HTTP/1.1 503 Service Unavailable\r\n"))
        #expect(answer.hasSuffix("\r\n\r\ndraining\n"))
        world.loop.end()
      }
    }
  }

  @Test func `more scrapers than there is room for wait for others, and all are answered`() throws {
    try run { world, calls in
      let count = 4 * MetricsEndpoint.mostScrapers
      for _ in 0..<count {
        world.ask("GET /healthz HTTP/1.0\r\n\r\n") { answer in
          #expect(answer.hasSuffix("ok\n"))
          calls.record("answered")
          if calls.names.count == count { world.loop.end() }
        }
      }
    }
  }

  @Test func `a request that does not come in time is answered so, and silence by a close`() throws
  {
    try run { world, _ in
      var left = 2
      func ended() {
        left -= 1
        if left == 0 { world.loop.end() }
      }
      world.ask("GET /met") { answer in
        #expect(answer.hasPrefix("HTTP/1.1 408 "))
        ended()
      }
      world.ask("") { answer in
        #expect(answer.isEmpty)
        ended()
      }
    }
  }

  @Test func `it serves on a Unix socket, too`() throws {
    try LoopHarness.run { loop, calls in
      let endpoint = MetricsEndpoint(
        on: loop, .init(metrics: { [] }, complaint: { nil }), diagnostics: silentDiagnostics)
      let address = try UnixAddress(abstractName: "uvnet-metrics-\(UInt64.random(in: 0 ... .max))")
      var places = ListeningPlaces()
      places.unix = address
      try endpoint.listen(at: places) { Issue.record($0) }
      UnixConnection.connect(to: address, on: loop) { result in
        guard let connection = try? result.get() else { return loop.end() }
        try? connection.write("GET /healthz HTTP/1.0\r\n\r\n")
        connection.start(
          .init(
            onData: { _, bytes in
              #expect(String(decoding: bytes).hasSuffix("ok\n"))
              calls.record("ok")
            }, onClose: { _, _ in loop.end() }))
      }
      calls.expect(["ok"])
    }
  }
}
