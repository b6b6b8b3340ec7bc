internal import TestTaskClientCore
internal import TestTaskProgramBasics
internal import TestTaskTerminalSupport

/// Input is cut into the same lines however it comes, and every line is either a command whose
/// numbers are in range or refused in one printable line.
func checkCommands(_ input: [UInt8]) throws(Finding) {
  var fuzzed = FuzzedInput(input)
  let cut = fuzzed.byte()
  let script = fuzzed.remainder()
  let lines = readLines(script, cut: 0)
  try requireEqual(readLines(script, cut: cut), lines, "lines when cut by \(cut)")
  for case .text(let line) in lines {
    try check(line)
    try checkCompletion(of: line)
  }
}

private func readLines(_ bytes: [UInt8], cut: UInt8) -> [LineReader.Line] {
  var reader = LineReader()
  var lines: [LineReader.Line] = []
  for piece in cutUp(bytes, by: cut) { lines += reader.feed(Array(piece)) }
  if let last = reader.finish() { lines.append(last) }
  return lines
}

/// As the client has it with `--resolve`, which accepts more than without.
private let parser = CommandParser(allowsNames: true)

private func check(_ line: String) throws(Finding) {
  let command: Result<Command?, CommandError>
  do throws(CommandError) {
    command = .success(try parser.parse(line))
  } catch {
    command = .failure(error)
  }
  switch command {
  case .success(let command?): try checkNumbers(of: command)
  // A comment and a blank line have no words to be quoted.
  case .success: return
  case .failure(let error):
    try require(!error.message.isEmpty, "refused without a reason: \(line)")
    try require(isSafeToShow(error.message), "unsafe to show: \(error.message)")
  }
  guard let words = try? CommandParser.words(of: line) else { return }
  let quoted = words.map(CommandParser.quoted).joined(separator: " ")
  do throws(CommandError) {
    try requireSame(try CommandParser.words(of: quoted), words, quoted)
  } catch {
    throw Finding(message: "\(quoted) is refused: \(error.message)")
  }
  let again = Result { () throws(CommandError) in try parser.parse(quoted) }
  try require(again == command, "\(line) means \(command), quoted \(again)")
}

/// Byte by byte: Swift's equality of strings is wider.
private func requireSame(
  _ left: [String], _ right: [String], _ what: String
) throws(CommandError) {
  guard left.map({ Array($0.utf8) }) == right.map({ Array($0.utf8) }) else {
    throw CommandError(message: "\(what): \(left) is not \(right)")
  }
}

private func checkNumbers(of command: Command) throws(Finding) {
  switch command {
  case .every(let period, _):
    try require((.milliseconds(10)...(.milliseconds(1000))).contains(period), "\(command)")
  case .reconnect(let delay?):
    try require(CommandForm.reconnectRange.contains(delay), "\(command)")
    try checkSeconds(delay)
  case .timeout(let limit?):
    try require(CommandForm.timeoutRange.contains(limit), "\(command)")
    try checkSeconds(limit)
  case .wait(let limit?): try checkSeconds(limit)
  case .sleep(let pause): try checkSeconds(pause)
  case .connect(let target?):
    try require(target.port > 0, "\(command)")
    let again = try? parser.parse("connect \(CommandParser.quoted(target.description))")
    try require(again == .connect(target), "\(target) is not read back")
  default: break
  }
}

/// `set` prints durations as commands, which must mean the same.
private func checkSeconds(_ duration: Duration) throws(Finding) {
  try require(duration >= .zero && duration <= .seconds(UInt32.max), "\(duration)")
  let text = duration.decimalSeconds
  try require(Duration(decimalSeconds: text) == duration, "\(duration) is printed as \(text)")
}

private func checkCompletion(of line: String) throws(Finding) {
  let completion = parser.completion(of: line, targets: ["127.0.0.1:25555", "[::1]:80"])
  for candidate in completion.candidates {
    try require(candidate.hasPrefix(completion.partial), "\(candidate) does not continue \(line)")
  }
  try require(
    completion.commonPrefix.hasPrefix(completion.partial),
    "the common beginning of \(completion) is shorter than what is typed")
}
