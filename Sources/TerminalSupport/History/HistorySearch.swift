/// An incremental search of the history (Ctrl-R): each character typed narrows the search.
struct HistorySearch {
  /// The line before the search.
  let draft: [Character]
  private let lines: [String]
  private var query = ""
  /// The index of the line found; `lines.count` before one is found.
  private var position: Int

  /// A search in the lines of a history, from the newest.
  init(in history: History, draft: [Character]) {
    (self.draft, lines) = (draft, history.lines)
    position = lines.count
  }

  /// The text in place of the prompt.
  var prompt: String { "search \"\(query)\">" }

  /// Adds to the search text; nil when no line contains it.
  mutating func extend(by scalar: Unicode.Scalar) -> String? {
    // Each key compares the text with every line, and a longer text is not needed to find one.
    guard query.unicodeScalars.count < 256 else { return nil }
    query.unicodeScalars.append(scalar)
    return find(before: position + 1)
  }

  /// Shortens the search text, and searches from the newest line; nil when it is empty.
  mutating func shorten() -> String? {
    guard query.popLast() != nil else { return nil }
    position = lines.count
    return query.isEmpty ? String(draft) : find(before: position)
  }

  /// The next older line that contains the search text and differs; nil when there is none.
  mutating func older() -> String? { find(before: position) }

  private mutating func find(before end: Int) -> String? {
    let current = position < lines.count && end <= position ? lines[position] : nil
    guard !query.isEmpty,
      let found = lines.prefix(end).lastIndex(where: { $0.contains(query) && $0 != current })
    else { return nil }
    position = found
    return lines[found]
  }
}
