import UVNet

/// One way to write a command: its words, what it does, and the command it makes.
///
/// ``all`` is the language: parsing, help and completion follow this one table.
struct CommandForm: Sendable {
  let name: String
  let parameters: [Parameter]
  let summary: String
  let example: String?
  let make: @Sendable ([Parameter.Value]) -> Command

  init(
    _ name: String, _ parameters: [Parameter] = [], _ summary: String, example: String? = nil,
    make: @escaping @Sendable ([Parameter.Value]) -> Command
  ) {
    self.name = name
    self.parameters = parameters
    self.summary = summary
    self.example = example
    self.make = make
  }

  /// How it is written: `every MS slow SECONDS`.
  var usage: String { ([name] + parameters.map(\.name)).joined(separator: " ") }

  private static let longest: Duration = .seconds(Int64(UInt32.max))
  private static let period = Parameter.whole("MS", 10...1000)
  private static let sleepSeconds = Parameter.whole("SECONDS", 0...UInt64(UInt32.max))
  /// What `reconnect` accepts, the program's option too.
  static let reconnectRange: ClosedRange<Duration> = .seconds(1)...(.seconds(10))
  /// What `timeout` accepts, the program's options too.
  static let timeoutRange: ClosedRange<Duration> = .milliseconds(1)...longest

  static let all: [CommandForm] = [
    CommandForm("connect", [], "try to connect now") { _ in .connect(nil) },
    CommandForm(
      "connect", [.address], "set the target and connect now", example: "connect [::1]:25555"
    ) { values in .connect(values.address) },
    CommandForm(
      "connect", [.host, .whole("PORT", 1...65535)], "the same, with the port apart",
      example: "connect 127.0.0.1 25555"
    ) { values in
      let port = UInt16(clamping: values.dropFirst().number ?? 0)
      return .connect(values.address.map { SocketAddress($0.address, port: port) })
    },
    CommandForm("disconnect", [], "close; no reconnecting until connect") { _ in .disconnect },
    CommandForm("fast", [], "ask for the server's time") { _ in .request(.fast) },
    CommandForm(
      "slow", [sleepSeconds], "ask for the number of clients, after a sleep of the server",
      example: "slow 5"
    ) { values in .request(.slow(seconds: UInt32(clamping: values.number ?? 0))) },
    CommandForm("every", [], "show the periodic mode") { _ in .showEvery },
    CommandForm(
      "every", [period, .word("fast")], "send fast every MS milliseconds",
      example: "every 100 fast"
    ) { values in .every(.milliseconds(values.number ?? 1000), .fast) },
    CommandForm(
      "every", [period, .word("slow"), sleepSeconds], "send slow every MS milliseconds",
      example: "every 1000 slow 2"
    ) { values in
      .every(
        .milliseconds(values.number ?? 1000),
        .slow(seconds: UInt32(clamping: values.dropFirst(2).number ?? 0)))
    },
    CommandForm("stop", [], "stop the periodic mode") { _ in .stop },
    CommandForm(
      "reconnect", [.seconds(reconnectRange)], "delay before connecting again",
      example: "reconnect 2.5"
    ) { values in .reconnect(values.duration) },
    CommandForm("reconnect", [.word("off")], "do not connect again by itself") { _ in
      .reconnect(nil)
    },
    CommandForm(
      "timeout", [.seconds(timeoutRange)], "give up waiting for an answer, and connect anew",
      example: "timeout 2"
    ) { values in .timeout(values.duration) },
    CommandForm("timeout", [.word("off")], "wait for answers as long as it takes") { _ in
      .timeout(nil)
    },
    CommandForm("wait", [], "wait until nothing is unanswered") { _ in .wait(nil) },
    CommandForm("wait", [.seconds(.zero...longest)], "the same, but at most so long") { values in
      .wait(values.duration)
    },
    CommandForm("sleep", [.seconds(.zero...longest)], "pause", example: "sleep 0.5") { values in
      .sleep(values.duration ?? .zero)
    },
    CommandForm("status", [], "show the connection and what is unanswered") { _ in .status },
    CommandForm("stats", [], "show counts and round trips") { _ in .stats },
    CommandForm("stats", [.word("reset")], "start counting anew") { _ in .resetStats },
    CommandForm("log", [.word("on")], "show the log on the screen") { _ in .screenLog(true) },
    CommandForm("log", [.word("off")], "no log on the screen") { _ in .screenLog(false) },
    CommandForm("log", [.word("file"), .word("-")], "end the copy in a file") { _ in
      .logFile(nil)
    },
    CommandForm(
      "log", [.word("file"), .path], "copy the log to a file too", example: "log file client.log"
    ) { values in .logFile(values.dropFirst().text) },
    CommandForm("set", [], "print the settings as commands") { _ in .set },
    CommandForm("help", [], "list the commands") { _ in .help(nil) },
    CommandForm("help", [.command], "explain one command", example: "help every") { values in
      .help(values.text)
    },
    CommandForm("history", [], "list the lines typed before") { _ in .history },
    CommandForm("clear", [], "clear the screen") { _ in .clear },
    CommandForm("quit", [], "leave") { _ in .quit },
  ]

  /// Every command's name once, in the table's order.
  static let names: [String] = all.reduce(into: []) { names, form in
    if names.last != form.name { names.append(form.name) }
  }
}

extension Collection<Parameter.Value> {
  fileprivate var text: String? {
    if case .text(let text)? = first { text } else { nil }
  }
  fileprivate var number: UInt64? {
    if case .number(let number)? = first { number } else { nil }
  }
  fileprivate var duration: Duration? {
    if case .duration(let duration)? = first { duration } else { nil }
  }
  fileprivate var address: SocketAddress? {
    if case .address(let address)? = first { address } else { nil }
  }
}
