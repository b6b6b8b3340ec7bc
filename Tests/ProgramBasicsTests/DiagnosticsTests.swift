import TestTaskProgramBasics
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct DiagnosticsTests {
  /// What is written to a pipe, which the journal says is its own or not.
  private func written(isJournal: Bool, _ body: (Diagnostics) -> Void) -> String {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { return "no pipe" }
    var status = stat()
    fstat(ends[1], &status)
    // The next inode stands for a stream that was redirected since.
    let stream = "\(status.st_dev):\(status.st_ino + (isJournal ? 0 : 1))"
    body(Diagnostics(program: "sample", descriptor: ends[1], journalStream: stream))
    close(ends[1])
    defer { close(ends[0]) }
    var bytes = [UInt8](repeating: 0, count: 4_096)
    let count = read(ends[0], &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
  }

  private func report(_ diagnostics: Diagnostics) {
    diagnostics.report(.error, "one")
    diagnostics.report(.warning, "two")
    diagnostics.report(.info, "three")
    diagnostics.print(.info, "four")
  }

  @Test func `a line begins with the program and how bad it is`() {
    #expect(
      written(isJournal: false, report) == """
        sample: error: one
        sample: warning: two
        sample: three
        four

        """)
  }

  @Test func `for the journal a line begins with its priority`() {
    #expect(
      written(isJournal: true, report) == """
        <3>sample: error: one
        <4>sample: warning: two
        <6>sample: three
        <6>four

        """)
  }

  @Test func `a stream that is gone costs the lines and nothing else`() {
    Diagnostics(program: "sample", descriptor: -1, journalStream: "0:0").report(.error, "lost")
  }
}
