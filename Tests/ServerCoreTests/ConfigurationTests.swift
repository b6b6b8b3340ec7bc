import Testing

@testable import TestTaskDaemonSupport
@testable import TestTaskServerCore

@Suite struct ConfigurationTests {
  @Test func `every key has a default that its own row accepts, and one place`() throws {
    var settings = Settings<Configuration>()
    let text = Configuration.sections.map { section in
      "[\(section)]\n"
        + Configuration.keys.filter { $0.section == section }
        .map { "\($0.name) = \($0.read(Configuration()))\n" }.joined()
    }.joined()
    try settings.apply(ini: Array(text.utf8), path: "s.ini")
    #expect(settings.values == Configuration())
    #expect(Configuration.sections == ["server", "tls", "metrics", "log", "limits"])
  }

  @Test func `limits, TLS, proxies and level change at once, the rest needs a restart`() {
    for key in Configuration.keys {
      let isLive =
        ["limits", "tls"].contains(key.section) || key.name == "level"
        || key.name.hasPrefix("proxy_")
      #expect((key.effect == .onReload) == isLive, "\(key.name)")
    }
  }

  @Test func `a slip in any key, the longest too, is asked about`() {
    for key in Configuration.keys {
      for slip in [String(key.name.dropLast()), key.name + "s", key.name.uppercased()] {
        var settings = Settings<Configuration>()
        #expect(
          throws: SettingProblems(lines: [
            "s.ini:2:1: error: unknown key \"\(slip)\" in [\(key.section)]; "
              + "did you mean \"\(key.name)\"?"
          ])
        ) { try settings.apply(ini: Array("[\(key.section)]\n\(slip) = 1".utf8), path: "s.ini") }
      }
    }
  }

  @Test func `connections are lowered to the descriptors`() {
    var settings = Settings<Configuration>()
    #expect(
      settings.lowerConnections(to: 100)
        == "max_connections lowered from 10000 to 100: the process may have no more descriptors "
        + "(ulimit -n)")
    #expect(settings.values.maxConnections == 100)
    #expect(
      settings.dump.contains(
        "max_connections = 100  # lowered to the descriptor limit from 10000, default"))
  }

  @Test func `reading pauses at a sixteenth of the write buffer, or less when all hold much`() {
    var values = Configuration()
    #expect(values.pauseMarkBytes == 65_536)
    #expect(values.outputLimits.highWaterMark == 65_535)
    #expect(values.tightOutputLimits.highWaterMark == 4_095)
    #expect(values.tightOutputLimits.maximumPendingBytes == values.writeBufferBytes)
    values.writeBufferBytes = 4_096
    #expect(values.tightOutputLimits == values.outputLimits)
  }

  @Test func `where to listen is read from the settings, and nowhere is an error`() throws {
    var values = Configuration()
    #expect(
      try values.placesToListen == ListeningPlaces(host: "127.0.0.1", port: 25_555, socket: nil))
    #expect(try values.placesOfMetrics.isEmpty)
    (values.address, values.socket) = ("none", "/run/s")
    #expect(try values.placesToListen == ListeningPlaces(host: nil, port: 0, socket: "/run/s"))
    values.socket = "none"
    #expect(throws: ListenFailure.nowhere) { try values.placesToListen }
    (values.metricsPort, values.metricsSocket) = (9_100, "/run/m")
    #expect(
      try values.placesOfMetrics
        == ListeningPlaces(host: "127.0.0.1", port: 9_100, socket: "/run/m"))
  }

  @Test func `what accepted connections have is made of the settings`() {
    var values = Configuration()
    (values.backlog, values.reusePort, values.socketMode) = (7, true, 0o600)
    values.stuckPeerTimeoutSeconds = 20
    let options = values.listenerOptions
    #expect(options.backlog == 7 && options.reusePort && options.socketMode == 0o600)
    #expect(options.output == values.outputLimits)
    #expect(options.silence == SilenceLimits(unacknowledged: .seconds(30)))
  }

  @Test func `descriptors are kept for all that is no client`() {
    var values = Configuration()
    func socket(_ name: String) -> InheritedSocket {
      InheritedSocket(descriptor: 3, name: name, kind: .tcp)
    }
    let plain = values.reservedDescriptors([])
    #expect(values.reservedDescriptors([socket("")]) == plain + 1)
    #expect(values.reservedDescriptors([socket("metrics")]) == plain + 1 + 18)
    values.metricsPort = 0
    #expect(values.reservedDescriptors([]) == plain + 18)
    #expect(values.reservedDescriptors([socket("metrics")]) == plain + 1 + 18)
  }

  @Test func `metrics cannot be served where clients are`() {
    var values = Configuration()
    values.metricsPort = values.port
    #expect(values.contradictions == ["\"port\" in [metrics] is the one in [server]"])
    values.metricsAddress = "127.0.0.2"
    #expect(values.contradictions == [])
    (values.port, values.metricsPort, values.metricsAddress) = (0, 0, "127.0.0.1")
    #expect(values.contradictions == [], "any free port, twice")
    (values.socket, values.metricsSocket) = ("/run/s", "/run/s")
    #expect(values.contradictions == ["\"socket\" in [metrics] is the one in [server]"])
    (values.socket, values.metricsSocket) = ("none", "none")
    #expect(values.contradictions == [])
  }
}
