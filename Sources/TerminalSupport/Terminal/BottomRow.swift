/// The terminal's last row with the prompt on it, and the bytes that change it.
package struct BottomRow {
  /// nil when the row does not show our prompt.
  private var shown: LineEditor.Row?
  private var columns = 0

  /// A row without our prompt.
  package init() {}

  /// The bytes that print `lines` above the row; nil when nothing changes.
  ///
  /// Every line of `lines` ends with a line end, the last one too.
  package mutating func draw(_ row: LineEditor.Row, below lines: String, columns: Int) -> String? {
    guard row != shown || columns != self.columns || !lines.isEmpty else { return nil }
    let text = erase(columns: columns) + lines + row.text
    (shown, self.columns) = (row, columns)
    return text
      + (row.cursor < row.width ? "\r" + (row.cursor > 0 ? "\u{1b}[\(row.cursor)C" : "") : "")
  }

  /// The bytes that erase the row.
  ///
  /// If the window has become narrower than the row, the row begins some rows further up.
  package mutating func erase(columns: Int) -> String {
    guard let shown else { return "" }
    self.shown = nil
    let rowsUp = columns < self.columns && columns > 0 ? shown.cursor / columns : 0
    return (rowsUp > 0 ? "\u{1b}[\(rowsUp)A" : "") + "\r\u{1b}[J"
  }

  /// Forgets the row, because the terminal was cleared or another program wrote to it.
  package mutating func forget() { shown = nil }
}
