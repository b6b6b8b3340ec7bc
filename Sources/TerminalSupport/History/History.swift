/// The lines typed before, oldest first, and the walk through them with Up and Down.
package struct History {
  /// How many lines are kept.
  package static let limit = 500

  package private(set) var lines: [String]
  /// The position of the walk; `lines.count` is the line being typed.
  private var position: Int
  /// The text in the editor when the walk began.
  private var draft = ""

  /// Keeps the newest of `lines`, without empty ones and those with control characters, which
  /// cannot be typed.
  package init(_ lines: [String] = []) {
    let clean = lines.filter { line in
      !line.isEmpty && !line.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
    self.lines = clean.suffix(Self.limit)
    position = self.lines.count
  }

  /// Ends the walk and keeps a line, unless it is blank or the same as the last.
  ///
  /// - Returns: Whether it was kept.
  package mutating func add(_ line: String) -> Bool {
    let isNew = !line.allSatisfy { $0 == " " } && line != lines.last
    if isNew { lines.append(line) }
    if lines.count > Self.limit { lines.removeFirst(lines.count - Self.limit) }
    position = lines.count
    return isNew
  }

  /// Goes to the next older line, nil at the oldest; `current` is the text in the editor.
  package mutating func previous(_ current: String) -> String? {
    guard position > 0 else { return nil }
    if position == lines.count { draft = current }
    position -= 1
    return lines[position]
  }

  /// Goes to the next newer line, after the newest to the draft; nil if the draft is shown already.
  package mutating func next() -> String? {
    guard position < lines.count else { return nil }
    position += 1
    return position == lines.count ? draft : lines[position]
  }
}
