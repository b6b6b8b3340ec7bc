extension LineEditor {
  /// The row to draw: what is visible of prompt and line, and the cursor's column from 0.
  package struct Row: Hashable {
    package var text: String
    package var cursor: Int
    /// The columns that the text takes.
    package var width: Int
  }

  /// The row for a window of this width; its last column stays free.
  ///
  /// After a character in the last column terminals differ in where the cursor is. A prompt that leaves
  /// too little room is replaced by `>`.
  package mutating func row(prompt: String, columns: Int) -> Row {
    var prompt = (searchPrompt ?? prompt) + " "
    var promptWidth = prompt.reduce(0) { $0 + $1.terminalWidth }
    if promptWidth + 10 > columns {
      (prompt, promptWidth) = (columns > 3 ? "> " : "", columns > 3 ? 2 : 0)
    }
    let room = max(1, columns - 1 - promptWidth)
    scrollToCursor(room)
    var text = prompt
    var width = promptWidth
    var cursorColumn = width
    for index in firstVisible..<characters.count {
      let character = characters[index]
      guard width + character.terminalWidth <= promptWidth + room else { break }
      text += character.drawn
      width += character.terminalWidth
      if index < cursor { cursorColumn = width }
    }
    return Row(text: text, cursor: cursorColumn, width: width)
  }

  /// Moves the visible part so that it contains the cursor, by half a row at a time; otherwise the text
  /// would move with every key.
  private mutating func scrollToCursor(_ room: Int) {
    func width(_ range: Range<Int>) -> Int {
      characters[range].reduce(0) { $0 + $1.terminalWidth }
    }
    if firstVisible > cursor || width(firstVisible..<cursor) >= room {
      var start = cursor
      var taken = 0
      while start > 0, taken + characters[start - 1].terminalWidth <= room / 2 {
        start -= 1
        taken += characters[start].terminalWidth
      }
      firstVisible = start
    }
    if firstVisible > 0, width(0..<characters.count) < room { firstVisible = 0 }
  }
}
