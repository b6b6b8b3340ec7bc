import Testing

@testable import TestTaskClientCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct ManualPageTests {
  /// The words of each item of the section on commands: its term and its text.
  private static func commands() throws -> [Set<Substring>] {
    let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let path = root.joined(separator: "/") + "/docs/man/testtask-client.1"
    let file = try #require(fopen(path, "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    let lines = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: "\n")
    let section = lines.drop { $0 != ".SH COMMANDS" }.dropFirst().prefix { !$0.hasPrefix(".SH") }
    return section.split(separator: ".TP").map { item in
      var text = item.joined(separator: " ")
      for font in ["\\fB", "\\fI", "\\fP", "\\fR"] { text.replace(font, with: " ") }
      return Set(words(text))
    }
  }

  private static func words(_ text: String) -> [Substring] {
    text.split { !$0.isLetter }
  }

  @Test(arguments: CommandForm.all.indices)
  func `it has each form of each command`(index: Int) throws {
    let form = CommandForm.all[index]
    let isThere = try Self.commands().contains { $0.isSuperset(of: Self.words(form.usage)) }
    #expect(isThere, "\(form.usage)")
  }
}
