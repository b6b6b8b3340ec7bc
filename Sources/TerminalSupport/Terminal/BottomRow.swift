/// The terminal's last row with the prompt on it, and how to change what stands there.
package struct BottomRow {
  /// nil when what stands there is not ours.
  private var shown: LineEditor.Row?
  private var columns = 0

  /// A row on which nothing of ours stands.
  package init() {}

  /// What to write so that `lines` stand above the row; nil when nothing changes.
  ///
  /// `lines` are whole, each with its line end.
  package mutating func draw(_ row: LineEditor.Row, below lines: String, columns: Int) -> String? {
    guard row != shown || columns != self.columns || !lines.isEmpty else { return nil }
    let text = erase(columns: columns) + lines + row.text
    (shown, self.columns) = (row, columns)
    return text
      + (row.cursor < row.width ? "\r" + (row.cursor > 0 ? "\u{1b}[\(row.cursor)C" : "") : "")
  }

  /// What to write to take the row away.
  ///
  /// Its beginning is some rows up when the window has become too narrow for it since.
  package mutating func erase(columns: Int) -> String {
    guard let shown else { return "" }
    self.shown = nil
    let rowsUp = columns < self.columns && columns > 0 ? shown.cursor / columns : 0
    return (rowsUp > 0 ? "\u{1b}[\(rowsUp)A" : "") + "\r\u{1b}[J"
  }

  /// The terminal was cleared or used by others.
  package mutating func forget() { shown = nil }
}
