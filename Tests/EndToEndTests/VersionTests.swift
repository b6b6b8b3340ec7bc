import Testing
import UVNet

/// `--version` of both programs.
@Suite struct VersionTests {
  @Test(arguments: ["testtask-server", "testtask-client"])
  func `the version names the libuv that the program runs with, which is that of the tests`(
    name: String
  ) throws {
    let program = try Program(name, ["--version"])
    let lines = try program.readOutputToEnd()
    #expect(try program.wait() == .exit(0))
    try #require(lines.count == 4)
    #expect(lines[0].hasPrefix("\(name) "))
    #expect(
      lines[1] == "libuv \(EventLoop.builtWithLibuv), running \(EventLoop.runningLibuv)")
    #if TLS
      #expect(lines[2].hasPrefix("OpenSSL "))
    #else
      #expect(lines[2] == "without TLS")
    #endif
    #expect(lines[3].hasPrefix("Swift "))
  }
}
