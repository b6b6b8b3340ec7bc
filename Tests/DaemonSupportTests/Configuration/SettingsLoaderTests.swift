import TestTaskTestSupport
import TestTaskDaemonSupport
import Testing

@Suite struct SettingsLoaderTests {
  @Test func `the file is read anew each time, and flags are set over it`() throws {
    let folder = try TemporaryFolder()
    var loader = SettingsLoader<SampleValues>(path: folder.path + "/s.ini")
    loader.add(flag: "--port", "port", in: "server", "2")
    loader.add(flag: "--port", "port", in: "server", "3")
    loader.add(flag: "--backlog", "backlog", in: "server", nil)
    folder.put("[server]\nport = 1\nbacklog = 7\n", "s.ini")
    #expect(try loader.load().values.backlog == 7)
    folder.put("[server]\nbacklog = 8\n", "s.ini")
    let values = try loader.load().values
    #expect(values.backlog == 8)
    #expect(values.port == 3)
  }

  @Test func `a file that cannot be read, or is no such file, is one problem`() throws {
    let folder = try TemporaryFolder()
    folder.put(String(repeating: "# 16 characters\n", count: 65_537), "big.ini")
    for (path, reason) in [
      ("none.ini", "cannot be read: No such file or directory"),
      ("", "cannot be read: Is a directory"), ("big.ini", "cannot be read: it is over 1 MiB"),
    ] {
      let loader = SettingsLoader<SampleValues>(path: "\(folder.path)/\(path)")
      #expect(throws: SettingProblems(lines: ["\(folder.path)/\(path): error: \(reason)"])) {
        try loader.load()
      }
    }
  }

  @Test func `without a file there are only defaults and flags`() throws {
    #expect(try SettingsLoader<SampleValues>(path: nil).load() == Settings())
  }
}
