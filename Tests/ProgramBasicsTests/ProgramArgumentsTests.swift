import Testing

@testable import TestTaskProgramBasics

@Suite struct ProgramArgumentsTests {
  @Test func `an argument that is no UTF-8 is told with its bytes`() {
    #expect(
      ProgramArguments.description(ofNoText: Array("gr".utf8) + [0xF6, 0x0A] + Array("e".utf8))
        == "gr\\xF6\\x0Ae")
    #expect(ProgramArguments.description(ofNoText: Array("größe".utf8)) == nil)
    #expect(ProgramArguments.firstThatIsNoText == nil)
  }
}
