import TestTaskProgramBasics
import Testing
import UVNet
import UVNetTestKit

@testable import TestTaskDaemonSupport
@testable import TestTaskServerCore

/// Clients behind proxies, before they are served.
@Suite struct OpeningTests {
  private func core(_ change: (inout Configuration) -> Void = { _ in }) -> ServerCore {
    var values = Configuration()
    values.proxyProtocol = true
    change(&values)
    return ServerCore(values, descriptorRoom: 100)
  }

  @Test func `a header is read from proxies alone, and only where it is configured`() {
    func opening(_ peer: Peer, speaksTLS: Bool, readsHeaders: Bool = true) -> Opening? {
      var core = core {
        $0.proxyProtocol = readsHeaders
        if speaksTLS { ($0.certificate, $0.key) = ("c.pem", "k.pem") }
        $0.proxyFrom = NetworkList("192.0.2.0/24 unix") ?? .loopback
      }
      let place = core.connected(peer, at: 0)
      return place.flatMap { core.clients[$0]?.opening }
    }
    let proxy = Peer.tcp(try? SocketAddress(host: "192.0.2.1", port: 9))
    let stranger = Peer.tcp(try? SocketAddress(host: "192.0.3.1", port: 9))
    #expect(opening(proxy, speaksTLS: false) == .proxyHeader)
    #expect(opening(proxy, speaksTLS: true) == [.proxyHeader, .handshake])
    #expect(opening(stranger, speaksTLS: true) == .handshake)
    #expect(opening(stranger, speaksTLS: false) == [])
    #expect(opening(.tcp(nil), speaksTLS: false) == [], "it has left already")
    #expect(opening(proxy, speaksTLS: false, readsHeaders: false) == [])
    #expect(opening(proxy, speaksTLS: true, readsHeaders: false) == .handshake)
    #expect(opening(.unix(nil), speaksTLS: true) == .proxyHeader, "TLS is for TCP alone")
    #expect(opening(.unix(nil), speaksTLS: true, readsHeaders: false) == [])
  }

  @Test func `the shell is asked for each step, and to serve when there is none left`() throws {
    var core = core { $0.proxyTimeoutSeconds = 7 }
    func asked() -> [String] {
      var asked: [String] = []
      while !core.actions.isEmpty {
        switch core.actions.removeFirst() {
        case .readProxyHeader(let place, let time): asked.append("header \(place) \(time)")
        case .secure(let place): asked.append("secure \(place)")
        case .serve(let place, _): asked.append("serve \(place)")
        default: break
        }
      }
      return asked
    }
    let place = core.connected(peer: "proxy", opening: [.proxyHeader, .handshake], at: 0)
    let first = try #require(place)
    #expect(asked() == ["header \(first) 7.0 seconds"])
    // Not its turn yet.
    core.secured(first, SecuredSession(version: "1.3", cipher: "C", subject: nil))
    core.introduced(first, as: nil)
    let afterHeader = asked()
    #expect(afterHeader == ["secure \(first)"])
    core.secured(first, SecuredSession(version: "1.3", cipher: "C", subject: nil))
    #expect(asked() == ["serve \(first)"])
    core.secured(first, SecuredSession(version: "1.3", cipher: "C", subject: nil))
    #expect(asked() == [])
    let second = core.connected(.tcp(nil), at: 0)
    #expect(asked() == ["serve \(try #require(second))"])
  }

  @Test func `the header comes before the handshake`() {
    #expect(Opening([.proxyHeader, .handshake]).next == .proxyHeader)
    #expect(Opening.handshake.next == .handshake)
    #expect(Opening().next == nil)
  }

  /// Connects by way of a proxy, and tells what the log then says of the coming and the going.
  private func lines(
    _ opening: Opening = .proxyHeader, _ events: (inout ServerCore, _ place: Int) -> Void
  ) throws -> [String] {
    var core = core()
    let place = core.connected(peer: "127.0.0.1:9", opening: opening, at: 0)
    events(&core, try #require(place))
    #expect(core.isConsistent)
    var lines: [String] = []
    while !core.actions.isEmpty {
      switch core.actions.removeFirst() {
      case .log(_, let event), .serve(_, let event):
        lines.append(text(event.name) { event.addFields(to: &$0) })
      case .leave(let departure):
        lines.append(text(Departure.name) { departure.addFields(to: &$0, Traffic()) })
      default: break
      }
    }
    return lines
  }

  private func text(_ name: StaticString, _ add: (inout LogText) -> Void) -> String {
    var line = LogText(.logfmt)
    line.begin(at: [], .info, name)
    add(&line)
    return line.withBytes { String(decoding: $0.withUnsafeBytes { Array($0) }, as: UTF8.self) }
      .replacing("ts= level=info event=", with: "")
  }

  @Test func `the log has a client when its proxy has told of it, under its own address`() throws {
    let lines = try lines { core, place in
      core.introduced(place, as: "192.0.2.1:5")
      // A second word of it changes nothing.
      core.introduced(place, as: "192.0.2.2:6")
      core.closed(place, .ended, unsent: 0, at: 0)
    }
    #expect(lines.count == 2)
    #expect(lines[0] == "connect conn=1 peer=192.0.2.1:5 via=127.0.0.1:9 clients=1")
    #expect(
      lines[1].hasPrefix("disconnect conn=1 peer=192.0.2.1:5 via=127.0.0.1:9 reason=eof clients=0"))
  }

  @Test func `a proxy that speaks for itself, or knows no client, is the peer`() throws {
    let lines = try lines { core, place in
      core.introduced(place, as: nil)
      core.closed(place, .ended, unsent: 0, at: 0)
    }
    #expect(lines[0] == "connect conn=1 peer=127.0.0.1:9 clients=1")
    #expect(lines[1].hasPrefix("disconnect conn=1 peer=127.0.0.1:9 reason=eof "))
  }

  @Test func `behind a header comes a handshake, and the log has the client after that`() throws {
    let session = SecuredSession(version: "1.3", cipher: "C", subject: nil)
    let lines = try lines([.proxyHeader, .handshake]) { core, place in
      #expect(core.nextStep(of: place) == .proxyHeader)
      core.introduced(place, as: "192.0.2.1:5")
      #expect(core.nextStep(of: place) == .handshake)
      #expect(core.actions.isEmpty == false, "the sweep")
      core.secured(place, session)
      #expect(core.nextStep(of: place) == nil)
      core.closed(place, .ended, unsent: 0, at: 0)
    }
    #expect(
      lines[0] == "connect conn=1 peer=192.0.2.1:5 via=127.0.0.1:9 clients=1 tls=1.3 cipher=C")
    #expect(lines.count == 2)
  }

  @Test func `a header that is none is a violation, and names the proxy alone`() throws {
    let lines = try lines { core, place in
      core.headerRefused(place, error: "no PROXY header", at: 0)
      core.closed(place, .failed(nil), unsent: 0, at: 0)
      core.headerRefused(place, error: "no PROXY header", at: 0)
    }
    #expect(lines.count == 2)
    #expect(lines[0] == "connect conn=1 peer=127.0.0.1:9 clients=1")
    #expect(
      lines[1].contains(" reason=violation ")
        && lines[1].hasSuffix(
          " violation=malformedProxyHeader offset=0 error=\"no PROXY header\"")
    )
  }

  @Test func `how a connection ends before its header is the reason`() throws {
    let failure = ConnectionEnd.Failure(message: "late", description: "handshake: late")
    for (end, reason) in [
      (ConnectionEnd.ended, "eof"), (.reset, "reset"), (.timedOut(failure), "handshake"),
      (.failed(failure), "handshake"), (.failed(nil), "handshake"),
    ] {
      let lines = try lines { core, place in core.closed(place, end, unsent: 0, at: 0) }
      #expect(lines.count == 2 && lines[1].contains(" reason=\(reason) "), "\(end): \(lines)")
    }
  }

  @Test func `a header that is refused when the client is served already is too late`() throws {
    let lines = try lines { core, place in
      core.introduced(place, as: "192.0.2.1:5")
      core.headerRefused(place, error: "", at: 0)
    }
    #expect(lines.count == 1)
  }

  @Test func `in every order of events each connect has one line and one disconnect`() throws {
    let space = try StateSpace.explore(
      from: OpeningWorld(), limit: 20_000, events: \.possible, key: \.key
    ) { world, event in try world.take(event) }
    print("openings: \(space)")
    #expect(space.states > 60, "\(space)")
    #expect(space.transitions > 3 * space.states, "\(space)")
  }

  @Test(arguments: OpeningWorld.Mutation.allCases)
  func `a server with a fault in it is found out`(mutation: OpeningWorld.Mutation) throws {
    let violation = try #require(throws: StateSpace.Violation.self) {
      try StateSpace.explore(
        from: OpeningWorld(mutation), limit: 20_000, events: \.possible, key: \.key
      ) { world, event in try world.take(event) }
    }
    #expect(violation.error is OpeningWorld.Broken, "\(violation)")
  }
}
