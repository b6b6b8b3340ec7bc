/// Edits one line at the prompt: key bytes in, the line and what to draw out.
///
/// It has no terminal and no clock. A pasted line end stays in the line until Enter.
package struct LineEditor {
  /// What a key asks of the program, beyond a change of the line.
  package enum Action: Hashable {
    case submit(String)
    /// The line is new to the history.
    case remember(String)
    /// Ctrl-C, with the line that is dropped.
    case interrupt(String)
    case endOfInput
    case suspend
    case clearScreen
    case list([String])
    case bell
  }

  /// The longest line, in characters.
  package static let limit = EditedLine.limit

  package private(set) var history: History
  private var edited = EditedLine()
  private let complete: (String) -> Completion
  private var decoder = KeyDecoder()
  private var actions: [Action] = []
  private var killed: [Character] = []
  private var isKilling = false
  private var isTyping = false
  private var tabWasLast = false
  private var search: HistorySearch?
  /// The states for undo, latest last.
  private var past: [EditedLine] = []
  /// The index of the first character that the row shows; see ``row(prompt:columns:)``.
  var firstVisible = 0

  /// An empty line; `complete` says what could follow the text before the cursor.
  package init(history: History = History(), complete: @escaping (String) -> Completion) {
    self.history = history
    self.complete = complete
  }

  /// The line.
  package var line: String { edited.text }

  /// The line in characters.
  package var characters: [Character] { edited.characters }

  /// The number of characters before the cursor.
  package var cursor: Int { edited.cursor }

  /// The text in place of the prompt while the history is searched.
  var searchPrompt: String? { search?.prompt }

  /// How long to wait for the remaining bytes of a key before ``giveUpWaiting()``; nil when no key
  /// has begun.
  package var patience: Duration? { decoder.patience }

  /// Takes bytes from the terminal, cut anywhere.
  ///
  /// - Parameters:
  ///   - bytes: What was read.
  ///   - isAfterSilence: Whether time has passed before these bytes, so that they were typed and
  ///     not pasted. A typed Ctrl-C ends a paste whose end marker is missing; a pasted one is
  ///     ignored.
  /// - Returns: The keys' requests to the program.
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

  /// Gives up an incomplete key; a paste without an end marker is then inserted into the line.
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
    // Characters typed one after the other are one change for undo.
    let before = isTyping && wasTyping ? nil : edited
    if search == nil || !continueSearch(key) { apply(key) }
    let isOver = key == .enter || key == .control("c") || key == .control("_")
    guard !isOver, let before, before.characters != characters else { return }
    past.append(before)
    if past.count > 100 { past.removeFirst() }
  }

  private mutating func apply(_ key: Key) {
    let wasKilling = isKilling
    let tabWasLast = tabWasLast
    isKilling = false
    self.tabWasLast = false
    switch key {
    case .text(let scalar): ringUnless(edited.insert(scalar))
    case .paste(let text): paste(text)
    case .enter: submit()
    case .tab:
      self.tabWasLast = true
      completeWord(again: tabWasLast)
    case .backspace, .control("h"): edited.delete(from: cursor - 1, to: cursor)
    case .delete: edited.delete(from: cursor, to: cursor + 1)
    case .control("d"):
      if characters.isEmpty {
        actions.append(.endOfInput)
      } else {
        edited.delete(from: cursor, to: cursor + 1)
      }
    case .left, .control("b"): edited.moveCursor(to: cursor - 1)
    case .right, .control("f"): edited.moveCursor(to: cursor + 1)
    case .home, .control("a"): edited.moveCursor(to: 0)
    case .end, .control("e"): edited.moveCursor(to: edited.end)
    case .wordLeft, .meta("b"): edited.moveCursor(to: edited.wordStart)
    case .wordRight, .meta("f"): edited.moveCursor(to: edited.wordEnd)
    case .control("k"): kill(from: cursor, to: edited.end, joining: wasKilling)
    case .control("u"): kill(from: 0, to: cursor, joining: wasKilling, inFront: true)
    case .control("w"):
      kill(from: edited.argumentStart, to: cursor, joining: wasKilling, inFront: true)
    case .deleteWordLeft:
      kill(from: edited.wordStart, to: cursor, joining: wasKilling, inFront: true)
    case .meta("d"): kill(from: cursor, to: edited.wordEnd, joining: wasKilling)
    case .control("y"): ringUnless(edited.insert(killed))
    case .control("t"): edited.transpose()
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

  private mutating func ringUnless(_ hasRoom: Bool) {
    if !hasRoom { actions.append(.bell) }
  }

  /// Inserts text without its control characters: line ends are kept, tabs become blanks.
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
    ringUnless(edited.insert(Array(kept)))
  }

  private mutating func kill(
    from start: Int, to end: Int, joining: Bool, inFront: Bool = false
  ) {
    isKilling = true
    let part = Array(characters[start..<end])
    killed = !joining ? part : Array(String(inFront ? part + killed : killed + part))
    edited.delete(from: start, to: end)
  }

  private mutating func replace(with text: String?) {
    guard let text else { return actions.append(.bell) }
    edited = EditedLine(text)
  }

  private mutating func undo() {
    guard let last = past.popLast() else { return actions.append(.bell) }
    edited = last
  }

  /// Handles a key in the search; false when the key ends the search and edits the line that was
  /// found.
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
    edited = EditedLine()
    firstVisible = 0
  }

  private mutating func completeWord(again: Bool) {
    let completion = complete(edited.textBeforeCursor)
    var addition = completion.commonPrefix.dropFirst(completion.partial.count)
    if completion.candidates.count == 1 { addition += " " }
    if !addition.isEmpty { return ringUnless(edited.insert(Array(addition))) }
    actions.append(again && !completion.candidates.isEmpty ? .list(completion.candidates) : .bell)
  }
}
