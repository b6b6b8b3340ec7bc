import Testing

@testable import TestTaskTerminalSupport

@Suite struct LineEditorTests {
  private static let left = "\u{1b}[D"
  private static let right = "\u{1b}[C"
  private static let up = "\u{1b}[A"
  private static let down = "\u{1b}[B"

  private func editor(_ history: [String] = []) -> LineEditor {
    let words = ["connect", "disconnect", "stop", "status", "stats", "fast", "127.0.0.1:25555"]
    return LineEditor(history: History(history)) { text in
      let partial = text.split(separator: " ", omittingEmptySubsequences: false).last ?? ""
      return Completion(partial: String(partial), among: words)
    }
  }

  /// The line after these keys, with the cursor shown as `|`.
  private func edited(_ keys: String, history: [String] = [], pieces: Int = .max) -> String {
    var editor = editor(history)
    var rest = Array(keys.utf8)[...]
    while !rest.isEmpty {
      _ = editor.feed(rest.prefix(pieces))
      rest = rest.dropFirst(pieces)
    }
    let characters = editor.characters
    return String(characters[..<editor.cursor]) + "|" + String(characters[editor.cursor...])
  }

  /// Keys, and the line with its cursor after them.
  ///
  /// `^X` is Ctrl-X, `~X` is Alt-X, `<` and `>` are
  /// the arrows.
  static let sequences: [(String, String)] = [
    ("", "|"), ("abc", "abc|"), ("abc<", "ab|c"), ("abc<<<<<", "|abc"), ("abc<<>>>>", "abc|"),
    ("abc^a", "|abc"), ("abc^a^e", "abc|"), ("abc^b^b", "a|bc"), ("abc^a^f", "a|bc"),
    ("abc^ax", "x|abc"), ("abc<x", "abx|c"), ("abc^h", "ab|"), ("abc\u{7F}", "ab|"),
    ("abc<\u{7F}", "a|c"), ("^h^h", "|"), ("abc^a\u{7F}", "|abc"), ("abc^a^d", "|bc"),
    ("abc<^d", "ab|"), ("abc^d", "abc|"), ("abc^a\u{1b}[3~", "|bc"), ("abc\u{1b}[3~", "abc|"),
    // Home and End as terminals send them.
    ("abc\u{1b}[Hx", "x|abc"), ("abc\u{1b}[1~x", "x|abc"), ("abc\u{1b}[7~x", "x|abc"),
    ("abc\u{1b}OHx", "x|abc"), ("abc^a\u{1b}[Fx", "abcx|"), ("abc^a\u{1b}[4~x", "abcx|"),
    ("abc^a\u{1b}[8~x", "abcx|"), ("abc^a\u{1b}OFx", "abcx|"), ("abc\u{1b}ODx", "abx|c"),
    // Words.
    ("one two~b", "one |two"), ("one two~b~b", "|one two"), ("one two~b~b~b", "|one two"),
    ("one two^a~f", "one| two"), ("one two^a~f~f", "one two|"), ("one two^a~f~f~f", "one two|"),
    ("one-two~b", "one-|two"), ("one two\u{1b}[1;5D", "one |two"),
    ("one two\u{1b}[1;3D", "one |two"), ("one two^a\u{1b}[1;5C", "one| two"),
    ("one two^a\u{1b}[1;3C", "one| two"), ("one two\u{1b}[1;2D", "one tw|o"),
    ("one two^w", "one |"), ("one two^w^w", "|"), ("one two  ^w", "one |"), ("^w", "|"),
    ("127.0.0.1:80^w", "|"), ("127.0.0.1:80~\u{7F}", "127.0.0.1:|"), ("a b~\u{7F}~\u{7F}", "|"),
    ("one two^a~d", "| two"), ("one two^a~d~d", "|"), ("one two~d", "one two|"),
    // Kill and yank.
    ("abc def<<<^k", "abc |"), ("abc<<^k^y", "abc|"), ("abc<<^k^a^y", "bc|a"), ("abc^u", "|"),
    ("abc<^u", "|c"), ("abc<^u^e^y", "cab|"), ("abc^k", "abc|"), ("^y", "|"),
    ("one two^w^w^y", "one two|"), ("one two^w<^w^y", "one| "), ("one two^w^y^y", "one twotwo|"),
    ("one two^a~d~d^y", "one two|"), ("abc<^u^k^y", "abc|"), ("abc^u^y^k^y", "abc|"),
    // Transpose.
    ("ab^t", "ba|"), ("abc<^t", "acb|"), ("a^t", "a|"), ("^t", "|"), ("ab^a^t", "|ab"),
    // Clusters are one character.
    ("é<x", "x|é"), ("e\u{301}<x", "x|e\u{301}"), ("e\u{301}\u{7F}", "|"), ("字字<x", "字x|字"),
    ("👩\u{200D}💻a<\u{7F}", "|a"), ("🇩🇪\u{7F}", "|"), ("\u{301}", "\u{301}|"),
    // What is no key leaves nothing behind.
    ("a\u{1b}[15~b", "ab|"), ("a\u{1b}[1;5Pb", "ab|"), ("a\u{1b}[200b", "a|"),
    ("a\u{1b}[Zb", "ab|"),
    ("a\u{1b}[?1;2cb", "ab|"), ("a\u{1b}\u{1b}[Dx", "x|a"), ("a~xb", "ab|"), ("a^qb", "ab|"),
    ("a\u{85}b", "ab|"), ("a^]b", "ab|"), ("a\u{1b}OPb", "ab|"), ("a\u{0}b", "ab|"),
    // Completion.
    ("con\t", "connect |"), ("dis\t", "disconnect |"), ("sta\t", "stat|"), ("x\t", "x|"),
    ("help sto\t", "help stop |"), ("fast<<<\t", "fast |ast"), ("s\t\t", "st|"),
    ("connect 1\t", "connect 127.0.0.1:25555 |"),
    // Pastes.
    ("a\u{1b}[200~b c\u{1b}[201~d", "ab cd|"), ("\u{1b}[200~a\tb\u{1b}[201~", "a b|"),
    ("\u{1b}[200~a\u{1b}[Db\u{1b}[201~", "a[Db|"), ("\u{1b}[200~\u{1b}[201~x", "x|"),
    ("\u{1b}[200~a\r\nb\rc\nd\u{1b}[201~", "a\nb\nc\nd|"),
    ("\u{1b}[200~^c^d\u{7}\u{1b}[201~x", "x|"),
    ("ab<\u{1b}[200~xy\u{1b}[201~", "axy|b"),
    // Leaving the line.
    ("abc\r", "|"), ("abc\n", "|"), ("abc^c", "|"), ("abc^g", "|"), ("abc^cd", "d|"),
    ("abc^l", "abc|"), ("abc^z", "abc|"),
  ]

  private static func bytes(of keys: String) -> String {
    var result = ""
    var prefix: Character?
    for character in keys {
      switch (prefix, character) {
      case (nil, "^"), (nil, "~"): prefix = character
      case ("^", _):
        prefix = nil
        result.unicodeScalars.append(UnicodeScalar((character.asciiValue ?? 0) & 0x1F))
      case ("~", _):
        prefix = nil
        result += "\u{1b}" + String(character)
      case (_, "<"): result += left
      case (_, ">"): result += right
      default: result.append(character)
      }
    }
    return result
  }

  @Test("keys edit the line, however the reads cut them", arguments: sequences)
  func keys(keys: String, line: String) {
    // Escape sequences in the table contain `~` themselves: those are marked by ESC.
    let bytes =
      keys.contains("\u{1b}[")
      ? Self.bytesKeepingSequences(of: keys) : Self.bytes(of: keys)
    #expect(edited(bytes) == line)
    #expect(edited(bytes, pieces: 1) == line)
    #expect(edited(bytes, pieces: 2) == line)
  }

  /// The same notation where sequences are written out, so that `~` is only their end.
  private static func bytesKeepingSequences(of keys: String) -> String {
    var result = ""
    var isControl = false
    for scalar in keys.unicodeScalars {
      switch scalar {
      case "^": isControl = true
      case _ where isControl:
        isControl = false
        result.unicodeScalars.append(UnicodeScalar(UInt8(truncatingIfNeeded: scalar.value) & 0x1F))
      case "<": result += left
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// A line and its cursor, and what keys make of them in the plainest words.
  private struct Model {
    var before: [Character]
    var after: [Character]

    var text: String { String(before) + "|" + String(after) }

    mutating func moveLeft(while isPassed: (Character) -> Bool) {
      while let last = before.last, isPassed(last) { after.insert(before.removeLast(), at: 0) }
    }

    mutating func moveRight(while isPassed: (Character) -> Bool) {
      while let first = after.first, isPassed(first) { before.append(after.removeFirst()) }
    }

    static func isWordPart(_ character: Character) -> Bool {
      character.isLetter || character.isNumber
    }

    mutating func wordLeft() {
      moveLeft { !Self.isWordPart($0) }
      moveLeft(while: Self.isWordPart)
    }

    mutating func wordRight() {
      moveRight { !Self.isWordPart($0) }
      moveRight(while: Self.isWordPart)
    }

    static let keys: [(String, @Sendable (inout Model) -> Void)] = [
      ("\u{1}", { $0.moveLeft { _ in true } }), ("\u{5}", { $0.moveRight { _ in true } }),
      ("\u{1b}b", { $0.wordLeft() }), ("\u{1b}f", { $0.wordRight() }),
      ("\u{2}", { if let last = $0.before.popLast() { $0.after.insert(last, at: 0) } }),
      ("\u{6}", { if !$0.after.isEmpty { $0.before.append($0.after.removeFirst()) } }),
      ("\u{7F}", { _ = $0.before.popLast() }), ("字", { $0.before.append("字") }),
      ("\u{1b}[3~", { if !$0.after.isEmpty { $0.after.removeFirst() } }),
      ("\u{B}", { $0.after = [] }), ("\u{15}", { $0.before = [] }),
      (
        "\u{17}",
        { model in
          while model.before.last == " " { model.before.removeLast() }
          while let last = model.before.last, last != " " { model.before.removeLast() }
        }
      ),
      (
        "\u{1b}\u{7F}",
        { model in
          let after = model.after
          model.wordLeft()
          model.after = after
        }
      ),
      (
        "\u{1b}d",
        { model in
          let before = model.before
          model.wordRight()
          model.before = before
        }
      ),
    ]
  }

  @Test(
    "every key does at every place of a line, and after every other key, what a plain model does",
    arguments: ["", "fast", "every 100 slow 1", "connect  [::1]:9 ", "größe e\u{301}-字 🇩🇪"])
  func plainModel(line: String) {
    let characters = Array(line)
    for place in 0...characters.count {
      for (first, change) in Model.keys {
        for (second, nextChange) in Model.keys {
          var model = Model(
            before: Array(characters[..<place]), after: Array(characters[place...]))
          change(&model)
          nextChange(&model)
          let back = String(repeating: "\u{2}", count: characters.count - place)
          #expect(
            edited(line + back + first + second) == model.text,
            "\(place), \(first.debugDescription) \(second.debugDescription)")
        }
      }
    }
  }

  @Test("Up and Down walk through the history and back to what was being typed")
  func history() {
    let (up, down) = (Self.up, Self.down)
    let lines = ["one", "two", "three"]
    let sequences: [(String, String)] = [
      (up, "three|"), (up + up, "two|"), (up + up + up + up, "one|"), (up + down, "|"),
      ("x" + up + down, "x|"), ("x" + up + up + down, "three|"), (down, "|"),
      ("\u{10}", "three|"), ("\u{10}\u{10}\u{0E}", "three|"), (up + "!\r" + up, "three!|"),
      (up + "!" + up + down, "three|"), ("new\r" + up + up, "three|"), ("   \r" + up, "three|"),
      ("three\r" + up + up, "two|"),
    ]
    for (keys, line) in sequences { #expect(edited(keys, history: lines) == line) }
  }

  @Test("Ctrl-R finds an older line while it is typed, and keys go on from there")
  func search() {
    let lines = ["slow 1", "every 10 fast", "slow 2", "größe", "fast", "slow 2"]
    let sequences: [(String, String)] = [
      ("\u{12}slow", "slow 2|"), ("\u{12}slow\u{12}", "slow 1|"), ("\u{12}fa", "fast|"),
      ("\u{12}fast\u{12}", "every 10 fast|"), ("\u{12}10", "every 10 fast|"),
      ("\u{12}10\u{7F}\u{7F}", "|"), ("\u{12}10\u{7F}", "every 10 fast|"),
      ("x\u{12}zz", "x|"), ("x\u{12}slow\u{7}", "x|"), ("x\u{12}slow\u{7}y", "xy|"),
      ("\u{12}slow\u{1}#", "#|slow 2"), ("\u{12}ö", "größe|"), ("\u{12}o\u{308}", "größe|"),
      ("\u{12}slow\u{3}x", "x|"), ("\u{12}10\rx", "x|"), ("\u{12}\u{12}", "|"),
      ("\u{12}s" + Self.up, "slow 2|"), ("\u{12}slow 1x", "slow 1|"),
    ]
    for (keys, line) in sequences { #expect(edited(keys, history: lines) == line, "\(keys)") }
    var editor = editor(lines)
    _ = editor.feed("x\u{12}10".utf8)
    #expect(editor.row(prompt: "p>", columns: 80).text == "search \"10\"> every 10 fast")
    let actions = editor.feed("\r".utf8)
    #expect(actions == [.remember("every 10 fast"), .submit("every 10 fast")])
    #expect(editor.row(prompt: "p>", columns: 80).text == "p> ")
  }

  @Test("Ctrl-_ takes changes back, what was typed in one go as one")
  func undo() {
    let sequences: [(String, String)] = [
      ("\u{1F}", "|"), ("abc\u{1F}", "|"), ("one two\u{17}\u{1F}", "one two|"),
      ("one two\u{17}\u{17}\u{1F}\u{1F}", "one two|"), ("abc\u{15}\u{1F}\u{1F}", "|"),
      ("abc\u{1}x\u{1F}", "|abc"), ("ab\u{14}\u{1F}", "ab|"), ("abc\u{3}\u{1F}", "|"),
      ("abc\r\u{1F}", "|"), ("abc\u{7}\u{1F}", "abc|"), ("abc" + Self.up + "\u{1F}", "abc|"),
      ("a\u{12}old\u{1B}[C\u{1F}", "a|"), ("con\t\u{1F}", "con|"),
    ]
    for (keys, line) in sequences { #expect(edited(keys, history: ["old"]) == line, "\(keys)") }
  }

  @Test("the history is bounded, and takes no controls from a file")
  func historyLimits() {
    var history = History((0..<1000).map(String.init) + ["a\u{1b}[2Jb", ""])
    #expect(history.lines.count == History.limit)
    #expect(history.lines.last == "999")
    let isNew = history.add("x")
    #expect(isNew)
    #expect(history.lines.count == History.limit)
    #expect(history.lines.first == "501")
  }

  @Test("keys that ask for more than a change of the line")
  func actions() {
    var editor = editor()
    var actions = editor.feed("fast\r".utf8)
    #expect(actions == [.remember("fast"), .submit("fast")])
    actions = editor.feed("fast\r".utf8)
    #expect(actions == [.submit("fast")])
    actions = editor.feed("\r".utf8)
    #expect(actions == [.submit("")])
    actions = editor.feed([4])
    #expect(actions == [.endOfInput])
    actions = editor.feed("x\u{4}\u{3}\u{3}".utf8)
    #expect(actions == [.interrupt("x"), .interrupt("")])
    actions = editor.feed([0x1A, 0x0C])
    #expect(actions == [.suspend, .clearScreen])
    actions = editor.feed("st\t\t".utf8)
    #expect(actions == [.bell, .list(["stop", "status", "stats"])])
    actions = editor.feed("\u{15}\u{1b}[200~fast\nslow 1\n\u{1b}[201~\r".utf8)
    #expect(actions == [.submit("fast"), .remember("slow 1"), .submit("slow 1"), .submit("")])
    actions = editor.feed("\u{1b}[A\u{1b}[A\u{1b}[A".utf8)
    #expect(actions == [.bell])
    #expect(editor.line == "fast")
  }

  @Test("a line has its limit")
  func limits() {
    var editor = editor()
    _ = editor.feed(Array(repeating: 0x61, count: LineEditor.limit + 10))
    #expect(editor.characters.count == LineEditor.limit)
    _ = editor.feed([0x15])
  }

  @Test("random bytes never trap, and what is typed afterwards arrives")
  func noise() {
    var random = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      var editor = editor(["older", "old"])
      for _ in 0..<60 {
        let count = Int.random(in: 0...20, using: &random)
        _ = editor.feed((0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
        #expect((0...editor.characters.count).contains(editor.cursor))
        let columns = Int.random(in: 0...40, using: &random)
        let row = editor.row(prompt: "prompt>", columns: columns)
        #expect(row.cursor <= row.width)
      }
      // Ends a paste, a sequence and a character that may be open.
      _ = editor.feed("\u{1b}[201~\u{1b}[201~\u{3}plain".utf8)
      #expect(editor.line.hasSuffix("plain"))
    }
  }

  @Test("the row shows the part of the line where the cursor is")
  func scrolling() {
    var editor = editor()
    _ = editor.feed("abc".utf8)
    var row = editor.row(prompt: "p>", columns: 20)
    #expect(row == LineEditor.Row(text: "p> abc", cursor: 6, width: 6))
    _ = editor.feed(String(repeating: "0123456789", count: 200).utf8)
    for _ in 0..<2010 {
      row = editor.row(prompt: "p>", columns: 20)
      #expect(row.width <= 19)
      #expect(row.cursor >= 3 && row.cursor <= 19)
      let before = Array(row.text)[row.cursor...].first
      #expect(
        before == (editor.cursor < editor.characters.count ? editor.characters[editor.cursor] : nil)
          || row.cursor == row.width)
      _ = editor.feed(Self.left.utf8)
    }
    #expect(row.text == "p> abc0123456789012")
    #expect(row.cursor == 3)
    // A prompt that leaves no room gives way.
    row = editor.row(prompt: String(repeating: "p", count: 30) + ">", columns: 20)
    #expect(row.text.hasPrefix("> abc"))
  }

  @Test("wide and combining characters are measured")
  func widths() {
    let widths: [(Character, Int)] = [
      ("a", 1), ("é", 1), ("e\u{301}", 1), ("字", 2), ("한", 2), ("ア", 2), ("ｱ", 1), ("！", 2),
      ("😀", 2), ("👩\u{200D}💻", 2), ("🇩🇪", 2), ("❤\u{FE0F}", 2), ("❤", 1), ("\u{301}", 0),
      ("\u{200B}", 8), ("\u{202E}", 8), ("\u{85}", 6), ("\n", 2), ("ñ", 1), ("→", 1), ("…", 1),
      ("Ж", 1), ("ا", 1),
    ]
    for (character, width) in widths {
      #expect(character.terminalWidth == width, "\(character.unicodeScalars)")
    }
    var editor = editor()
    _ = editor.feed("字é\u{1b}[200~\n\u{1b}[201~".utf8)
    #expect(editor.row(prompt: "", columns: 20).text == " 字é^J")
  }

  @Test("what would order the row another way is shown as an escape")
  func invisible() {
    var editor = editor()
    _ = editor.feed("a\u{202E}b\u{200B}c".utf8)
    let row = editor.row(prompt: "p>", columns: 80)
    #expect(row.text == "p> a\\u{202e}b\\u{200b}c")
    #expect(row.width == row.text.count && row.cursor == row.width)
  }

  @Test("Ctrl-C by hand ends a paste that does not end, and is nothing within one")
  func unfinishedPaste() {
    var editor = editor()
    _ = editor.feed("x\u{1b}[200~abc".utf8)
    #expect(editor.patience == .seconds(1))
    // As a part of what is pasted, even if it happens to come alone.
    _ = editor.feed([3])
    #expect(editor.line == "x")
    var actions = editor.feed([3], isAfterSilence: true)
    #expect(actions == [.interrupt("x")])
    #expect(editor.patience == nil)
    actions = editor.feed("fast\r".utf8)
    #expect(actions == [.remember("fast"), .submit("fast")])
  }

  @Test("a paste that does not end is in the line after a while, and keys are keys again")
  func latePaste() {
    var editor = editor()
    _ = editor.feed("x\u{1b}[200~abc\rdef\u{1b}[20".utf8)
    #expect(editor.line == "x")
    var actions = editor.giveUpWaiting()
    #expect(actions == [])
    #expect(editor.line == "xabc\ndef")
    #expect(editor.patience == nil)
    actions = editor.feed([3])
    #expect(actions == [.interrupt("xabc\ndef")])
  }
}
