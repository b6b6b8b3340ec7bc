import Testing

@testable import TestTaskTerminalSupport

/// A terminal of a few rows, as far as the client uses one.
private struct Screen {
  let columns: Int
  var rows: [[Character]] = [[]]
  var row = 0
  var column = 0

  init(columns: Int) { self.columns = columns }

  mutating func write(_ text: String) {
    var rest = Array(text.unicodeScalars)[...]
    while let scalar = rest.popFirst() {
      switch scalar {
      case "\r": column = 0
      case "\n":
        // Raw mode keeps the terminal's own translation to CR LF.
        (row, column) = (row + 1, 0)
        while rows.count <= row { rows.append([]) }
      case "\u{1b}":
        rest = rest.dropFirst()
        var number = 0
        while let digit = rest.first.flatMap({
          $0.properties.numericType == nil ? nil : $0.value - 48
        }) {
          number = number * 10 + Int(digit)
          rest = rest.dropFirst()
        }
        switch rest.popFirst() {
        case "J":
          rows[row] = Array(rows[row].prefix(column))
          rows.removeSubrange((row + 1)...)
        case "A": row = max(0, row - max(1, number))
        case "C": column = min(columns - 1, column + max(1, number))
        default: Issue.record("a sequence that is not expected")
        }
      default:
        if column == columns {
          (row, column) = (row + 1, 0)
          while rows.count <= row { rows.append([]) }
        }
        while rows[row].count <= column { rows[row].append(" ") }
        rows[row][column] = Character(scalar)
        column += 1
      }
    }
  }

  var text: [String] { rows.map { String($0) } }
}

@Suite struct BottomRowTests {
  @Test("lines appear above a half-typed line, which survives with its cursor")
  func above() {
    var screen = Screen(columns: 40)
    var bottom = BottomRow()
    var editor = LineEditor { Completion(partial: $0, among: []) }
    var expected: [String] = []
    for index in 0..<200 {
      _ = editor.feed(index % 7 == 3 ? Array("\u{1b}[D".utf8) : [UInt8(97 + index % 26)])
      var lines = ""
      if index % 3 == 0 {
        lines = "line \(index)\n"
        expected.append("line \(index)")
      }
      let row = editor.row(prompt: index % 2 == 0 ? "state>" : "other state>", columns: 40)
      if let drawing = bottom.draw(row, below: lines, columns: 40) { screen.write(drawing) }
      #expect(screen.text == expected + [row.text])
      #expect(screen.column == row.cursor)
    }
    screen.write(bottom.erase(columns: 40))
    #expect(screen.text == expected + [""])
    #expect(screen.column == 0)
  }

  @Test("what has not changed is not drawn")
  func unchanged() {
    var bottom = BottomRow()
    let row = LineEditor.Row(text: "> a", cursor: 3, width: 3)
    #expect(bottom.erase(columns: 80) == "")
    var drawing = bottom.draw(row, below: "", columns: 80)
    #expect(drawing == "> a")
    drawing = bottom.draw(row, below: "", columns: 80)
    #expect(drawing == nil)
    drawing = bottom.draw(row, below: "x\n", columns: 80)
    #expect(drawing == "\r\u{1b}[Jx\n> a")
    bottom.forget()
    drawing = bottom.draw(row, below: "", columns: 80)
    #expect(drawing == "> a")
  }

  @Test("a row that a narrower window has wrapped is taken away whole")
  func narrower() {
    var bottom = BottomRow()
    let row = LineEditor.Row(text: "0123456789012345", cursor: 16, width: 16)
    _ = bottom.draw(row, below: "", columns: 20)
    // As a terminal that reflows shows it.
    var screen = Screen(columns: 10)
    screen.write("above\n0123456789012345")
    screen.write(bottom.erase(columns: 10))
    #expect(screen.text == ["above", ""])
  }
}
