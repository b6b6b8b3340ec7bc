/// One way to write a command: its words, what it does, and the command it makes.
///
/// ``all`` is the language: parsing, help and completion follow this one table.
package struct CommandForm: Sendable {
  let name: String
  let parameters: [Parameter]
  let summary: String
  var example: String?
  let make: @Sendable (Arguments) -> Command

  init(
    _ name: String, _ parameters: Parameter..., for summary: String, example: String? = nil,
    _ make: @escaping @Sendable (Arguments) -> Command
  ) {
    (self.name, self.parameters, self.summary) = (name, parameters, summary)
    (self.example, self.make) = (example, make)
  }

  /// How it is written: `every MS slow SECONDS`.
  var usage: String { ([name] + parameters.map(\.name)).joined(separator: " ") }

  /// What `reconnect` accepts, the program's option too.
  package static let reconnectRange: ClosedRange<Duration> = .seconds(1)...(.seconds(10))
  /// What `timeout` accepts, the program's options too.
  package static let timeoutRange: ClosedRange<Duration> =
    .milliseconds(1)...(.seconds(4_294_967_295))
  private static let waitRange: ClosedRange<Duration> = .zero...(.seconds(4_294_967_295))

  static let all: [CommandForm] = [
    Self("connect", for: "try to connect now") { _ in .connect(nil) },
    Self(
      "connect", .target, for: "set the target and connect now", example: "connect [::1]:25555"
    ) { .connect($0.target) },
    Self(
      "connect", .host, .port, for: "the same, with the port apart", example: "connect ::1 25555"
    ) { arguments in
      var target = arguments.target
      target?.port = arguments.port
      return .connect(target)
    },
    Self("disconnect", for: "close; no reconnecting until connect") { _ in .disconnect },
    Self("fast", for: "ask for the server's time") { _ in .request(.fast) },
    Self("slow", .wholeSeconds, for: "ask for its clients, after a sleep", example: "slow 5") {
      .request(.slow(seconds: $0.wholeSeconds))
    },
    Self("every", for: "show the periodic mode") { _ in .showEvery },
    Self(
      "every", .milliseconds, .word("fast"), for: "send fast every MS milliseconds",
      example: "every 100 fast"
    ) { .every(.milliseconds($0.milliseconds), .fast) },
    Self(
      "every", .milliseconds, .word("slow"), .wholeSeconds, for: "send slow every MS milliseconds",
      example: "every 1000 slow 2"
    ) { .every(.milliseconds($0.milliseconds), .slow(seconds: $0.wholeSeconds)) },
    Self("stop", for: "stop the periodic mode") { _ in .stop },
    Self(
      "reconnect", .seconds(reconnectRange), for: "delay before connecting again",
      example: "reconnect 2.5"
    ) { .reconnect($0.duration) },
    Self("reconnect", .word("off"), for: "do not connect again by itself") { _ in .reconnect(nil) },
    Self(
      "timeout", .seconds(timeoutRange), for: "give up waiting for an answer, and connect anew",
      example: "timeout 2"
    ) { .timeout($0.duration) },
    Self("timeout", .word("off"), for: "wait for answers for ever") { _ in .timeout(nil) },
    Self("wait", for: "wait until nothing is unanswered") { _ in .wait(nil) },
    Self("wait", .seconds(waitRange), for: "the same, for this time at most") {
      .wait($0.duration)
    },
    Self("sleep", .seconds(waitRange), for: "pause", example: "sleep 0.5") { .sleep($0.duration) },
    Self("status", for: "show the connection and what is unanswered") { _ in .status },
    Self("stats", for: "show counts and round trips") { _ in .stats },
    Self("stats", .word("reset"), for: "start counting anew") { _ in .resetStats },
    Self("log", .word("on"), for: "show the log on the screen") { _ in .screenLog(true) },
    Self("log", .word("off"), for: "no log on the screen") { _ in .screenLog(false) },
    Self("log", .word("file"), .word("-"), for: "end the copy in a file") { _ in .logFile(nil) },
    Self(
      "log", .word("file"), .path, for: "copy the log to a file too", example: "log file client.log"
    ) { .logFile($0.text) },
    Self("set", for: "print the settings as commands") { _ in .set },
    Self("help", for: "list the commands") { _ in .help(nil) },
    Self("help", .command, for: "explain one command", example: "help every") { .help($0.text) },
    Self("history", for: "list the lines typed before") { _ in .history },
    Self("clear", for: "clear the screen") { _ in .clear },
    Self("quit", for: "leave") { _ in .quit },
  ]

  /// Every command's name once, in the table's order.
  package static let names: [String] = all.reduce(into: []) { names, form in
    if names.last != form.name { names.append(form.name) }
  }
}
