internal import TestTaskProgramBasics
internal import TestTaskTerminalSupport

/// Keys make the same line however they come, the cursor stays in it, and what is drawn fits the
/// window and steers the terminal with nothing but its own few sequences.
///
/// The first byte is the window's width, the second cuts the keys.
func checkEditor(_ input: [UInt8]) throws(Finding) {
  var fuzzed = FuzzedInput(input)
  let columns = 1 + Int(fuzzed.byte())
  let cut = fuzzed.byte()
  let keys = fuzzed.remainder()

  var whole = newEditor()
  let actions = whole.feed(keys)
  var editor = newEditor()
  var bottomRow = BottomRow()
  var screen = Screen(columns: columns)
  var actionsOfPieces: [LineEditor.Action] = []
  for piece in cutUp(keys, by: cut) {
    actionsOfPieces += editor.feed(piece)
    try checkState(editor)
    for prompt in ["127.0.0.1:25555>", "not connected (retry in 2s)>"] {
      let row = editor.row(prompt: prompt, columns: columns)
      try check(row, columns: columns)
      if let drawing = bottomRow.draw(row, below: "", columns: columns) {
        try screen.show(drawing)
        try requireEqual(screen.cursor, row.cursor, "where the terminal's cursor is")
      }
    }
  }
  try requireEqual(actionsOfPieces, actions, "the actions when cut by \(cut)")
  try requireEqual(editor.line, whole.line, "the line when cut by \(cut)")
  try requireEqual(editor.cursor, whole.cursor, "the cursor when cut by \(cut)")
  try checkNothingWaitsForEver(&editor, reply: keys)
  for case .submit(let line) in actions {
    try require(!hasControls(line), "a control character in a submitted line")
  }
  for line in editor.history.lines {
    try require(!hasControls(line), "a control character in the history")
  }
}

/// Whatever has begun, keys are keys again once time has passed, and a terminal's replies are none.
private func checkNothingWaitsForEver(_ editor: inout LineEditor, reply: [UInt8]) throws(Finding) {
  _ = editor.giveUpWaiting()
  try checkState(editor)
  try require(editor.patience == nil, "it still waits")
  let content = reply.filter { (0x20..<0x7F).contains($0) }
  let (line, cursor) = (editor.line, editor.cursor)
  for introducer in [
    "\u{1b}P", "\u{1b}]", "\u{1b}_", "\u{1b}^", "\u{1b}X", "\u{90}", "\u{9d}", "\u{9f}",
  ] {
    for end in ["\u{7}", "\u{1b}\\", "\u{9c}"] {
      let actions = editor.feed(Array(introducer.utf8) + content + Array(end.utf8))
      try require(actions.isEmpty && editor.patience == nil, "a reply is not consumed whole")
    }
  }
  try requireEqual(editor.line, line, "the line after replies")
  try requireEqual(editor.cursor, cursor, "the cursor after replies")
  // Ends a search too.
  let actions = editor.feed("\u{3}\u{3}x\r".utf8)
  try require(actions.contains(.submit("x")), "Enter submits nothing")
}

private func newEditor() -> LineEditor {
  LineEditor(history: History(["connect [::1]:25555", "every 100 slow 1", "größe 字 🇩🇪"])) {
    Completion(
      partial: $0.split(separator: " ", omittingEmptySubsequences: false).last.map(String.init)
        ?? "",
      among: ["connect", "every", "history", "help", "127.0.0.1:25555", "[::1]:25555"])
  }
}

private func checkState(_ editor: LineEditor) throws(Finding) {
  let count = editor.characters.count
  try require((0...count).contains(editor.cursor), "cursor \(editor.cursor) in a line of \(count)")
  try require(count <= LineEditor.limit, "a line of \(count)")
  try requireEqual(editor.characters, Array(editor.line), "the line cut into characters")
}

private func check(_ row: LineEditor.Row, columns: Int) throws(Finding) {
  try require((0...row.width).contains(row.cursor), "column \(row.cursor) of \(row.width)")
  try require(row.width <= max(1, columns - 1), "width \(row.width) in \(columns) columns")
  try require(!hasControls(row.text), "a control character in \(row.text.debugDescription)")
  let width = row.text.reduce(0) { $0 + $1.terminalWidth }
  try requireEqual(row.width, width, "the width of \(row.text.debugDescription)")
}

private func hasControls(_ text: String) -> Bool {
  text.unicodeScalars.contains { $0.properties.generalCategory == .control }
}

/// A terminal's last row: it knows printable text and the sequences that ``BottomRow`` may use.
private struct Screen {
  var columns: Int
  /// Where the cursor is, from 0.
  private(set) var cursor = 0

  init(columns: Int) { self.columns = columns }

  mutating func show(_ text: String) throws(Finding) {
    var rest = text.unicodeScalars[...]
    var printable = ""
    while let scalar = rest.popFirst() {
      guard scalar.properties.generalCategory == .control else {
        printable.unicodeScalars.append(scalar)
        continue
      }
      advance(over: &printable)
      switch scalar {
      case "\r": cursor = 0
      case "\u{1b}":
        try require(rest.popFirst() == "[", "ESC without [ in \(text.debugDescription)")
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest.dropFirst(digits.count)
        switch rest.popFirst() {
        case "C": cursor += Int(String(digits)) ?? 1
        case "J": try require(digits.isEmpty && cursor == 0, "J at \(cursor)")
        default: throw Finding(message: "an unknown sequence in \(text.debugDescription)")
        }
      default: throw Finding(message: "a control character in \(text.debugDescription)")
      }
    }
    advance(over: &printable)
    try require(cursor < max(2, columns), "column \(cursor) of \(columns)")
  }

  private mutating func advance(over text: inout String) {
    cursor += text.reduce(0) { $0 + $1.terminalWidth }
    text = ""
  }
}
