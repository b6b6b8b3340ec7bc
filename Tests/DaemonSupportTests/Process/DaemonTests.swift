import TestTaskProgramBasics
import TestTaskTestSupport
import Testing
import UVNet

@testable import TestTaskDaemonSupport

@Suite struct DaemonTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func withDaemon(_ body: (Daemon<SampleValues>) throws -> Void) throws {
    folder.put("[log]\ncolor = green\n", "s.ini")
    let loader = SettingsLoader<SampleValues>(path: "\(folder.path)/s.ini")
    let loop = try EventLoop()
    defer { loop.endAndClose() }
    let output = DaemonOutput(
      log: try EventLog(path: "\(folder.path)/log", format: .logfmt, level: .info),
      diagnostics: Diagnostics(program: "daemon", descriptor: -1, journalStream: nil),
      notifier: ServiceNotifier(socket: nil), on: loop)
    try body(Daemon(loader.load(), from: loader, output: output, on: loop))
    output.flush()
  }

  @Test func `new settings are in force when they are told, but for those that need a restart`()
    throws
  {
    try withDaemon { daemon in
      folder.put("[server]\nport = 7\n[limits]\nmax_connections = 9\n", "s.ini")
      var calls = 0
      daemon.reload {
        calls += 1
        #expect(daemon.settings.values.maxConnections == 9)
        #expect(daemon.settings.values.color == .red)
        #expect(daemon.settings.values.port == 25_555)
      }
      #expect(calls == 1)
    }
    #expect(folder.contents("log").contains("event=reload result=ok needs_restart=port\n"))
  }

  @Test func `settings that cannot be prepared for are not taken over, and told in a line`() throws
  {
    struct Mishap: Error, CustomStringConvertible { let description = "no such file" }
    try withDaemon { daemon in
      let before = daemon.settings
      folder.put("[limits]\nmax_connections = 9\n", "s.ini")
      daemon.prepare = { _ in throw Mishap() }
      daemon.reload { Issue.record("nothing is new") }
      #expect(daemon.settings == before)
      #expect(daemon.processFacts.failedReloads == 1 && daemon.processFacts.reloads == 0)
    }
    #expect(folder.contents("log").contains("level=error event=reload result=failed problems=1\n"))
  }

  @Test func `of bad settings none is taken over`() throws {
    try withDaemon { daemon in
      let before = daemon.settings
      folder.put("[limits]\nmax_connections = 9\nnone = 1\n", "s.ini")
      daemon.reload { Issue.record("nothing is new") }
      #expect(daemon.settings == before)
    }
    #expect(folder.contents("log").contains("level=error event=reload result=failed problems=1\n"))
  }
}
