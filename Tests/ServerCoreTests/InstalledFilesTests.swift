import TestTaskDaemonSupport
import Testing

@testable import TestTaskServerCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct InstalledFilesTests {
  private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(3).joined(separator: "/")

  private func contents(_ name: String) throws -> String {
    let file = try #require(fopen("\(Self.root)/\(name)", "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    return String(decoding: bytes.prefix(count), as: UTF8.self)
  }

  @Test func `the sample ini sets every key to its default`() throws {
    var source = Settings<Configuration>()
    let text = try contents("etc/server.ini")
    try source.apply(ini: Array(text.utf8), path: "etc/server.ini")
    #expect(source.values == Configuration())
    for key in Configuration.keys {
      #expect(source.origin(of: key) != .preset, "\(key.name) is not there")
    }
  }

  @Test(arguments: Configuration.keys.indices)
  func `the sample ini tells what each key accepts, right above it`(index: Int) throws {
    let key = Configuration.keys[index]
    let lines = try contents("etc/server.ini").split(
      separator: "\n", omittingEmptySubsequences: false)
    let section = try #require(lines.firstIndex { $0 == "[\(key.section)]" })
    let line = try #require(lines[section...].firstIndex { $0.hasPrefix("\(key.name) = ") })
    let comment = lines[..<line].reversed().prefix { $0.hasPrefix("#") }.reversed()
    let words = comment.map { $0.dropFirst(2) }.joined(separator: " ")
    #expect(words.contains(key.accepts), "\(key.name): \(words)")
  }

  @Test(arguments: Configuration.keys.indices)
  func `the man page tells what each key accepts`(index: Int) throws {
    let key = Configuration.keys[index]
    let lines = try contents("docs/man/testtask-server.ini.5").split(separator: "\n")
    let section = try #require(lines.firstIndex { $0 == ".SH [\(key.section)]" })
    let term = try #require(
      lines[section...].firstIndex { $0.hasPrefix(".BR \(key.name) \" = ") })
    let text = lines[(term + 1)...].prefix { !$0.hasPrefix(".") }.joined(separator: " ")
    #expect(text.contains(key.accepts), "\(key.name): \(text)")
  }

  @Test func `the ini of several processes is right, and has only what they need`() throws {
    var settings = Settings<Configuration>()
    try settings.apply(ini: Array(contents("etc/instances.ini").utf8), path: "instances.ini")
    var expected = Configuration()
    expected.reusePort = true
    expected.countFile = "/run/testtask-server-instances/clients"
    #expect(settings.values == expected)
    #expect(
      try contents("etc/testtask-server@.service").contains(
        "RuntimeDirectory=testtask-server-instances\n"))
  }

  @Test func `an instance may do no more than the service alone`() throws {
    let sandbox = { (unit: String) -> Substring in
      let text = try contents(unit)
      let start = try #require(text.firstRange(of: "\nLogsDirectory="))
      let end = try #require(text.firstRange(of: "\n[Install]"))
      return text[start.lowerBound..<end.lowerBound]
    }
    #expect(try sandbox("etc/testtask-server@.service") == sandbox("etc/testtask-server.service"))
  }

  @Test func `the logrotate file hides no error`() throws {
    let text = try contents("etc/testtask-server.logrotate")
    for hiding in ["/dev/null", "|| true", "|| :"] { #expect(!text.contains(hiding)) }
  }

  @Test func `the man page explains every reason for a disconnect`() throws {
    let page = try contents("docs/man/testtask-server.8")
    let terms = page.split(separator: "\n").filter { $0.hasPrefix(".B ") || $0.hasPrefix(".BR ") }
    for reason in DisconnectReason.allCases {
      #expect(
        terms.contains { $0.split { " ,\"".contains($0) }.contains(Substring(reason.rawValue)) },
        "\(reason) is not there")
    }
  }
}
