import TestTaskTerminalSupport
import Testing

@testable import TestTaskClientCore

@Suite struct ClientOptionsTests {
  private func options(
    _ commands: [String] = [], file: String? = nil, input: Bool = true, output: Bool = true,
    isDumb: Bool = false
  ) -> ClientOptions {
    ClientOptions(
      commands: commands, file: file,
      streams: StandardStreams(isInputTerminal: input, isOutputTerminal: output, isDumb: isDumb))
  }

  @Test func `at a terminal without commands there is a prompt, and reconnecting is on`() {
    let options = options()
    #expect(!options.isScript && options.isEditing && !options.isPlainPrompt && options.readsInput)
    #expect(options.reconnectDelay == .seconds(3))
  }

  @Test func `a dumb terminal edits the lines itself`() {
    let options = options(isDumb: true)
    #expect(!options.isScript && !options.isEditing && options.isPlainPrompt && options.readsInput)
    #expect(options.reconnectDelay == .seconds(3))
  }

  @Test func `with its output elsewhere a user still types the commands, without a prompt`() {
    let options = options(output: false)
    #expect(!options.isScript && !options.isEditing && !options.isPlainPrompt && options.readsInput)
    #expect(options.reconnectDelay == .seconds(3))
  }

  @Test(arguments: [true, false])
  func `input that is no terminal is a script, which does not reconnect`(output: Bool) {
    let options = options(input: false, output: output)
    #expect(options.isScript && !options.isEditing && !options.isPlainPrompt && options.readsInput)
    #expect(options.reconnectDelay == nil)
  }

  @Test func `commands are a script, which leaves standard input alone, a terminal too`() {
    for options in [options(["fast"]), options(file: "demo"), options(["fast"], file: "demo")] {
      #expect(options.isScript && !options.isEditing && !options.isPlainPrompt)
      #expect(!options.readsInput)
      #expect(options.reconnectDelay == nil)
    }
    #expect(options(["fast"]).scriptPath == nil)
    #expect(options(file: "demo").scriptPath == "demo")
    #expect(options(["fast", "wait"]).script.map(\.source) == ["-e", "-e"])
  }

  @Test func `the file - is standard input, and a script at a terminal too`() {
    for options in [options(file: "-"), options(["fast"], file: "-")] {
      #expect(options.isScript && options.readsInput)
      #expect(options.scriptPath == nil)
    }
  }

  @Test func `an option for a time is seconds in a range, or off`() throws {
    let range = CommandForm.reconnectRange
    #expect(try SecondsOption("off", in: range).duration == nil)
    #expect(try SecondsOption("2.5", in: range).duration == .milliseconds(2500))
    #expect(try SecondsOption.seconds("10", in: range) == .seconds(10))
    for text in ["0", "11", "", "OFF", "-1", "x"] {
      #expect(throws: CommandError(message: "it must be 1 … 10 seconds, or off")) {
        try SecondsOption(text, in: range)
      }
      #expect(throws: CommandError(message: "it must be 1 … 10 seconds")) {
        try SecondsOption.seconds(text, in: range)
      }
    }
    #expect(throws: CommandError.self) { try SecondsOption.seconds("off", in: range) }
  }

  @Test func `lines are coloured on a terminal that can, for a user who wants it`() {
    var streams = StandardStreams(isInputTerminal: false, isOutputTerminal: true)
    #expect(Colouring.auto.isOn(streams) && !Colouring.never.isOn(streams))
    streams.refusesColour = true
    #expect(!Colouring.auto.isOn(streams) && Colouring.always.isOn(streams))
    streams = StandardStreams(isInputTerminal: true, isOutputTerminal: true, isDumb: true)
    #expect(!Colouring.auto.isOn(streams) && Colouring.always.isOn(streams))
    streams = StandardStreams(isInputTerminal: true, isOutputTerminal: false)
    #expect(!Colouring.auto.isOn(streams) && Colouring.always.isOn(streams))
  }
}
