import TestTaskProgramBasics
import Testing

@testable import TestTaskDaemonSupport

@Suite struct ReloadResultTests {
  private func fields(_ result: ReloadResult) -> String {
    var text = LogText(.logfmt)
    text.begin(at: Array("now".utf8), result.level, "reload")
    result.addFields(to: &text)
    text.end()
    return text.content
  }

  @Test func `settings that are in force are told in one line`() {
    let result = ReloadResult.reloaded(needingRestart: [])
    #expect(result.lines == [.init(level: .info, text: "reloaded")])
    #expect(fields(result) == "ts=now level=info event=reload result=ok\n")
  }

  @Test func `keys that need a restart are each named`() {
    let result = ReloadResult.reloaded(needingRestart: ["port", "backlog"])
    #expect(
      result.lines == [
        .init(level: .warning, text: "reloaded; a new \"port\" needs a restart"),
        .init(level: .warning, text: "reloaded; a new \"backlog\" needs a restart"),
      ])
    #expect(
      fields(result) == "ts=now level=info event=reload result=ok needs_restart=port,backlog\n")
  }

  @Test func `problems are told as they are, and that nothing has changed`() {
    let result = ReloadResult.failed(SettingProblems(lines: ["s.ini:1:1: error: a", "s.ini: b"]))
    #expect(
      result.lines == [
        .init(level: .error, text: "s.ini:1:1: error: a", isAsIs: true),
        .init(level: .error, text: "s.ini: b", isAsIs: true),
        .init(level: .error, text: "not reloaded; the settings stay as they were"),
      ])
    #expect(fields(result) == "ts=now level=error event=reload result=failed problems=2\n")
  }
}
