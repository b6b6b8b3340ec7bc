import TestTaskFuzzProperties
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Runs the fuzzed properties on the inputs in `Fuzz/Regressions`, which once broke them.
@Suite struct ReplayTests {
  private static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false)
    .dropLast(3).joined(separator: "/")

  @Test(arguments: FuzzTarget.allCases)
  func `the property holds for inputs that once broke it`(target: FuzzTarget) throws {
    for file in regressions(of: target) {
      let input = try contents(file)
      #expect(throws: Never.self, "\(file)") { try target.check(input) }
    }
  }

  @Test func `every input found belongs to a target`() throws {
    #expect(FuzzTarget.allCases.map { regressions(of: $0).count }.reduce(0, +) > 0)
    #if TLS
      let leftOut: [String] = []
    #else
      let leftOut = ["tls"]
    #endif
    let folders = names(in: "Fuzz/Regressions").filter { !leftOut.contains($0) }
    #expect(folders.allSatisfy { FuzzTarget(rawValue: $0) != nil })
  }

  private func regressions(of target: FuzzTarget) -> [String] {
    let folder = "Fuzz/Regressions/\(target)"
    return names(in: folder).map { "\(folder)/\($0)" }
  }

  private func names(in folder: String) -> [String] {
    guard let directory = opendir("\(Self.root)/\(folder)") else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names.sorted()
  }

  private func contents(_ name: String) throws -> [UInt8] {
    let file = try #require(fopen("\(Self.root)/\(name)", "r"))
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = fread(&bytes, 1, bytes.count, file)
    return Array(bytes.prefix(count))
  }
}
