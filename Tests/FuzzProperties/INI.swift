internal import TestTaskDaemonSupport
internal import TestTaskProgramBasics
internal import TestTaskServerCore

/// A file is either taken whole, in which case what is dumped reads back to the same settings, or
/// refused with a printable line a problem and nothing changed.
func checkINI(_ input: [UInt8]) throws(Finding) {
  let text = INIText(parsing: input)
  try checkPlaces(of: text, in: input)
  try checkLineEnds(of: input, text)

  let before = Settings<Configuration>()
  var source = before
  do throws(SettingProblems) {
    try source.apply(ini: input, path: "test.ini")
  } catch {
    try requireEqual(source, before, "the settings after a refused file")
    try require(!error.lines.isEmpty, "refused without a reason")
    for line in error.lines {
      try require(line.hasPrefix("test.ini:"), "no place in: \(line)")
      try require(!hasControls(line), "a control character in: \(line)")
    }
    return
  }
  try require(text.problems.isEmpty, "accepted in spite of \(text.problems)")
  for key in Configuration.keys {
    var copy = source.values
    let value = key.read(source.values)
    try require(key.write(&copy, value), "\(key.name) has a value that it refuses: \(value)")
    try requireEqual(copy, source.values, "\(key.name) written back")
  }
  var again = Settings<Configuration>()
  do throws(SettingProblems) {
    try again.apply(ini: Array(source.dump.utf8), path: "dump.ini")
  } catch {
    throw Finding(message: "the dump is refused: \(error.lines)")
  }
  try requireEqual(again.values, source.values, "the settings read back from the dump")
  let reloaded = source.reloaded(over: before)
  try requireEqual(reloaded.needingRestart(from: before), [], "needing a restart after a reload")
}

/// Every place is in the file, and what stands there is free of what a line cannot hold.
private func checkPlaces(of text: INIText, in input: [UInt8]) throws(Finding) {
  let lines = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
  let places =
    text.problems.map(\.place) + text.sections.map(\.place)
    + text.entries.flatMap { [$0.keyPlace, $0.valuePlace] }
  for place in places {
    try require((1...lines.count).contains(place.line), "no line \(place.line)")
    let width = String(decoding: lines[place.line - 1], as: UTF8.self).unicodeScalars.count
    try require((1...(width + 1)).contains(place.column), "no column \(place)")
  }
  for entry in text.entries {
    try require(!entry.key.isEmpty, "an entry without a key")
    try require(!hasControls(entry.key + entry.section), "a control in \(entry)")
  }
  try require(places.isEmpty == text.isSilent, "something without a place")
}

/// CRLF and a byte order mark change nothing.
private func checkLineEnds(of input: [UInt8], _ text: INIText) throws(Finding) {
  guard !input.contains(UInt8(ascii: "\r")), input.first != 0xEF else { return }
  var dressed: [UInt8] = [0xEF, 0xBB, 0xBF]
  for byte in input {
    if byte == UInt8(ascii: "\n") { dressed.append(UInt8(ascii: "\r")) }
    dressed.append(byte)
  }
  try requireEqual(INIText(parsing: dressed), text, "with CRLF and a byte order mark")
}

/// Whether the text has C0 controls other than the tab, or DEL: a line end among them would forge a
/// line of the log.
private func hasControls(_ text: String) -> Bool {
  text.utf8.contains { ($0 < 0x20 && $0 != UInt8(ascii: "\t")) || $0 == 0x7F }
}

extension INIText {
  fileprivate var isSilent: Bool { problems.isEmpty && sections.isEmpty && entries.isEmpty }
}
