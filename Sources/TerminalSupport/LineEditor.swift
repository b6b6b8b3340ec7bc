/// Edits one line at the prompt: key bytes in, the line and what to draw out.
///
/// It knows no terminal and no clock. The line is kept as characters (grapheme clusters), so that
/// the cursor never stands inside one; a pasted line end stays in it until Enter.
package struct LineEditor {
  /// What a key asks of the program, beyond a change of the line.
  package enum Action: Hashable {
    case submit(String)
    /// The line is new to the history.
    case remember(String)
    /// With the line that is given up.
    case interrupt(String)
    case endOfInput
    case suspend
    case clearScreen
    case list([String])
    case bell
  }

  /// The row to draw: what is visible of prompt and line, and the cursor's column from 0.
  package struct Row: Hashable {
    package var text: String
    package var cursor: Int
    /// The columns that the text takes.
    package var width: Int
  }

  /// The longest line, in characters.
  package static let limit = 16384

  package private(set) var history: History
  package private(set) var characters: [Character] = []
  package private(set) var cursor = 0
  private let complete: (String) -> Completion
  private var decoder = KeyDecoder()
  private var actions: [Action] = []
  private var killed: [Character] = []
  private var isKilling = false
  private var isTyping = false
  private var tabWasLast = false
  private var search: HistorySearch?
  /// What undo brings back, latest last.
  private var past: [(characters: [Character], cursor: Int)] = []
  /// The first visible character.
  private var scroll = 0

  /// An empty line; `complete` says what could follow the text before the cursor.
  package init(history: History = History(), complete: @escaping (String) -> Completion) {
    self.history = history
    self.complete = complete
  }

  /// The line as it stands.
  package var line: String { String(characters) }

  /// How long to wait in silence for the rest of a key before ``giveUpWaiting()``; nil when no key
  /// has begun.
  package var patience: Duration? { decoder.patience }

  /// Takes what the terminal sent, whole or in pieces.
  ///
  /// - Parameters:
  ///   - bytes: What was read.
  ///   - isAfterSilence: Whether these bytes were typed by hand, by the time that went by before
  ///     them. Ctrl-C then ends a paste that does not end; within what is pasted it is nothing.
  /// - Returns: What the keys ask of the program.
  package mutating func feed(
    _ bytes: some Collection<UInt8>, isAfterSilence: Bool = false
  ) -> [Action] {
    if isAfterSilence, decoder.isInPaste, bytes.first == 0x03, bytes.allSatisfy({ $0 < 0x20 }) {
      decoder.dropPaste()
    }
    for byte in bytes {
      if let key = decoder.decode(byte) { press(key) }
    }
    return takeActions()
  }

  /// Takes it that no more comes of a key that has begun: a paste without end is in the line then.
  package mutating func giveUpWaiting() -> [Action] {
    if let key = decoder.giveUp() { press(key) }
    return takeActions()
  }

  private mutating func takeActions() -> [Action] {
    defer { actions = [] }
    return actions
  }

  private mutating func press(_ key: Key) {
    let wasTyping = isTyping
    isTyping = if case .text = key { true } else { false }
    // What is typed in one go is one change.
    let before = isTyping && wasTyping ? nil : (characters, cursor)
    if search == nil || !continueSearch(key) { apply(key) }
    let isOver = key == .enter || key == .control("c") || key == .control("_")
    guard !isOver, let before, before.0 != characters else { return }
    past.append(before)
    if past.count > 100 { past.removeFirst() }
  }

  private mutating func apply(_ key: Key) {
    let wasKilling = isKilling
    let tabWasLast = tabWasLast
    isKilling = false
    self.tabWasLast = false
    switch key {
    case .text(let scalar): insert(scalar)
    case .paste(let text): paste(text)
    case .enter: submit()
    case .tab:
      self.tabWasLast = true
      completeWord(again: tabWasLast)
    case .backspace, .control("h"): delete(from: cursor - 1, to: cursor)
    case .delete: delete(from: cursor, to: cursor + 1)
    case .control("d"):
      if characters.isEmpty {
        actions.append(.endOfInput)
      } else {
        delete(from: cursor, to: cursor + 1)
      }
    case .left, .control("b"): cursor = max(0, cursor - 1)
    case .right, .control("f"): cursor = min(characters.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = characters.count
    case .wordLeft, .meta("b"): cursor = wordStart()
    case .wordRight, .meta("f"): cursor = wordEnd()
    case .control("k"): kill(from: cursor, to: characters.count, joining: wasKilling)
    case .control("u"): kill(from: 0, to: cursor, joining: wasKilling, inFront: true)
    case .control("w"):
      var start = cursor
      while start > 0, characters[start - 1] == " " { start -= 1 }
      while start > 0, characters[start - 1] != " " { start -= 1 }
      kill(from: start, to: cursor, joining: wasKilling, inFront: true)
    case .deleteWordLeft: kill(from: wordStart(), to: cursor, joining: wasKilling, inFront: true)
    case .meta("d"): kill(from: cursor, to: wordEnd(), joining: wasKilling)
    case .control("y"): insert(killed)
    case .control("t"): transpose()
    case .up, .control("p"): replace(with: history.previous(line))
    case .down, .control("n"): replace(with: history.next())
    case .control("r"): search = HistorySearch(in: history, draft: characters)
    case .control("_"): undo()
    case .control("c"):
      actions.append(.interrupt(line))
      reset()
    case .control("g"): reset()
    case .control("z"): actions.append(.suspend)
    case .control("l"): actions.append(.clearScreen)
    case .control, .meta: actions.append(.bell)
    }
  }

  // MARK: Changes

  private mutating func insert(_ scalar: Unicode.Scalar) {
    // A combining mark joins the character before it.
    if cursor > 0 {
      let joined = String(characters[cursor - 1]) + String(scalar)
      // No terminal shows more than a few marks, and comparing long clusters is slow.
      if joined.count == 1, !characters[cursor - 1].isEditorControl {
        if joined.unicodeScalars.count <= 16 { characters[cursor - 1] = Character(joined) }
        return join(at: [cursor])
      }
    }
    insert([Character(scalar)])
  }

  private mutating func insert(_ new: [Character]) {
    let room = max(0, Self.limit - characters.count)
    if new.count > room { actions.append(.bell) }
    characters.insert(contentsOf: new.prefix(room), at: cursor)
    cursor += min(new.count, room)
    join(at: [cursor - min(new.count, room), cursor])
  }

  /// Makes one character of neighbours that are one now that they stand side by side.
  ///
  /// They are a letter and a mark, or two halves of a flag. A cursor between them moves behind it.
  private mutating func join(at places: [Int]) {
    let isSettled = places.allSatisfy { place in
      guard place > 0, place < characters.count else { return true }
      let pair = characters[(place - 1)...place]
      return Array(String(pair)).elementsEqual(pair)
    }
    guard !isSettled else { return }
    let scalarsBeforeCursor = characters[..<cursor].reduce(0) { $0 + $1.unicodeScalars.count }
    characters = Array(line)
    var scalars = 0
    cursor = 0
    while scalars < scalarsBeforeCursor {
      scalars += characters[cursor].unicodeScalars.count
      cursor += 1
    }
  }

  /// Inserts text as it is, but for controls: line ends are kept as such, tabs become blanks.
  private mutating func paste(_ text: String) {
    var kept = ""
    var previous: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n" where previous == "\r": break
      case "\r", "\n": kept += "\n"
      case "\t": kept += " "
      case _ where scalar.properties.generalCategory == .control: break
      default: kept.unicodeScalars.append(scalar)
      }
      previous = scalar
    }
    insert(Array(kept))
  }

  private mutating func delete(from start: Int, to end: Int) {
    let start = max(0, start)
    let end = min(characters.count, end)
    guard start < end else { return }
    characters.removeSubrange(start..<end)
    cursor = start
    join(at: [start])
  }

  private mutating func kill(
    from start: Int, to end: Int, joining: Bool, inFront: Bool = false
  ) {
    isKilling = true
    let part = Array(characters[start..<end])
    killed = !joining ? part : Array(String(inFront ? part + killed : killed + part))
    delete(from: start, to: end)
  }

  private mutating func transpose() {
    guard characters.count > 1, cursor > 0 else { return }
    let right = min(cursor, characters.count - 1)
    characters.swapAt(right - 1, right)
    cursor = right + 1
    join(at: [right - 1, right, right + 1])
  }

  private mutating func replace(with text: String?) {
    guard let text else { return actions.append(.bell) }
    characters = Array(text)
    cursor = characters.count
  }

  private mutating func undo() {
    guard let last = past.popLast() else { return actions.append(.bell) }
    (characters, cursor) = last
  }

  /// Gives a key to the search; false when it ends the search and is to be applied to its result.
  private mutating func continueSearch(_ key: Key) -> Bool {
    switch key {
    case .text(let scalar): replace(with: search?.extend(by: scalar))
    case .control("r"): replace(with: search?.older())
    case .backspace: replace(with: search?.shorten())
    case .control("g"):
      replace(with: search.map { String($0.draft) })
      search = nil
    default:
      search = nil
      return false
    }
    return true
  }

  private mutating func submit() {
    let text = line
    reset()
    for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
      if history.add(line) { actions.append(.remember(line)) }
      actions.append(.submit(line))
    }
  }

  private mutating func reset() {
    past = []
    characters = []
    cursor = 0
    scroll = 0
  }

  private mutating func completeWord(again: Bool) {
    let completion = complete(String(characters[..<cursor]))
    var addition = completion.commonPrefix.dropFirst(completion.partial.count)
    if completion.candidates.count == 1 { addition += " " }
    if !addition.isEmpty { return insert(Array(addition)) }
    actions.append(again && !completion.candidates.isEmpty ? .list(completion.candidates) : .bell)
  }

  private func wordStart() -> Int {
    var index = cursor
    while index > 0, !characters[index - 1].isWordPart { index -= 1 }
    while index > 0, characters[index - 1].isWordPart { index -= 1 }
    return index
  }

  private func wordEnd() -> Int {
    var index = cursor
    while index < characters.count, !characters[index].isWordPart { index += 1 }
    while index < characters.count, characters[index].isWordPart { index += 1 }
    return index
  }

  // MARK: Drawing

  /// The row for a window of so many columns, its last column left free.
  ///
  /// In the last column terminals differ over where the cursor then stands. A prompt that leaves
  /// too little room gives way to `>`.
  package mutating func row(prompt: String, columns: Int) -> Row {
    var prompt = (search?.prompt ?? prompt) + " "
    var promptWidth = prompt.reduce(0) { $0 + $1.terminalWidth }
    if promptWidth + 10 > columns {
      (prompt, promptWidth) = (columns > 3 ? "> " : "", columns > 3 ? 2 : 0)
    }
    let room = max(1, columns - 1 - promptWidth)
    scrollToCursor(room)
    var text = prompt
    var width = promptWidth
    var cursorColumn = width
    for index in scroll..<characters.count {
      let character = characters[index]
      guard width + character.terminalWidth <= promptWidth + room else { break }
      text += character.drawn
      width += character.terminalWidth
      if index < cursor { cursorColumn = width }
    }
    return Row(text: text, cursor: cursorColumn, width: width)
  }

  /// Moves the visible part so that it holds the cursor, by half a row at a time: the text would
  /// otherwise crawl under every key.
  private mutating func scrollToCursor(_ room: Int) {
    func width(_ range: Range<Int>) -> Int {
      characters[range].reduce(0) { $0 + $1.terminalWidth }
    }
    if scroll > cursor || width(scroll..<cursor) >= room {
      var start = cursor
      var taken = 0
      while start > 0, taken + characters[start - 1].terminalWidth <= room / 2 {
        start -= 1
        taken += characters[start].terminalWidth
      }
      scroll = start
    }
    if scroll > 0, width(0..<characters.count) < room { scroll = 0 }
  }
}
