import TestTaskDaemonSupport
import Testing

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
}
