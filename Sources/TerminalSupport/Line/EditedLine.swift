/// A line of text with a cursor in it.
///
/// The text is kept as characters (grapheme clusters), so that the cursor never stands inside one.
struct EditedLine: Equatable {
  /// The longest line, in characters.
  static let limit = 16384

  private(set) var characters: [Character] = []
  /// The number of characters before the cursor.
  private(set) var cursor = 0

  /// An empty line.
  init() {}

  /// A text with the cursor at its end; a text that is too long is cut.
  init(_ text: String) {
    characters = Array(text.prefix(Self.limit))
    cursor = characters.count
  }

  var text: String { String(characters) }
  var textBeforeCursor: String { String(characters[..<cursor]) }
  var end: Int { characters.count }

  /// Puts the cursor before the character at `place`, or as near to it as the line allows.
  mutating func moveCursor(to place: Int) { cursor = min(max(0, place), end) }

  // MARK: Words

  /// Where the word before the cursor begins; a word is letters and digits.
  var wordStart: Int {
    var index = cursor
    while index > 0, !characters[index - 1].isWordPart { index -= 1 }
    while index > 0, characters[index - 1].isWordPart { index -= 1 }
    return index
  }

  /// Where the word after the cursor ends.
  var wordEnd: Int {
    var index = cursor
    while index < end, !characters[index].isWordPart { index += 1 }
    while index < end, characters[index].isWordPart { index += 1 }
    return index
  }

  /// Where the argument before the cursor begins; arguments are separated by blanks.
  var argumentStart: Int {
    var index = cursor
    while index > 0, characters[index - 1] == " " { index -= 1 }
    while index > 0, characters[index - 1] != " " { index -= 1 }
    return index
  }

  // MARK: Changes

  /// Inserts a scalar before the cursor; false if the line is full.
  mutating func insert(_ scalar: Unicode.Scalar) -> Bool {
    // A combining mark joins the character before it.
    if cursor > 0 {
      let joined = String(characters[cursor - 1]) + String(scalar)
      // No terminal shows more than a few marks, and comparing long clusters is slow.
      if joined.count == 1, !characters[cursor - 1].isEditorControl {
        if joined.unicodeScalars.count <= 16 { characters[cursor - 1] = Character(joined) }
        join(at: [cursor])
        return true
      }
    }
    return insert([Character(scalar)])
  }

  /// Inserts characters before the cursor; false if the line is too full for some of them.
  mutating func insert(_ new: [Character]) -> Bool {
    let count = min(new.count, max(0, Self.limit - end))
    characters.insert(contentsOf: new.prefix(count), at: cursor)
    cursor += count
    join(at: [cursor - count, cursor])
    return count == new.count
  }

  /// Removes the characters from `start` to `end`, as far as there are any, and puts the cursor
  /// there.
  mutating func delete(from start: Int, to end: Int) {
    let start = max(0, start)
    let end = min(characters.count, end)
    guard start < end else { return }
    characters.removeSubrange(start..<end)
    cursor = start
    join(at: [start])
  }

  /// Exchanges the characters around the cursor, at the end of the line the last two.
  mutating func transpose() {
    guard end > 1, cursor > 0 else { return }
    let right = min(cursor, end - 1)
    characters.swapAt(right - 1, right)
    cursor = right + 1
    join(at: [right - 1, right, right + 1])
  }

  /// Joins neighbours that form one character, such as a letter and a mark, or two halves of a flag.
  ///
  /// A cursor between them moves to the end of the character.
  private mutating func join(at places: [Int]) {
    let isSettled = places.allSatisfy { place in
      guard place > 0, place < characters.count else { return true }
      let pair = characters[(place - 1)...place]
      return Array(String(pair)).elementsEqual(pair)
    }
    guard !isSettled else { return }
    let scalarsBeforeCursor = characters[..<cursor].reduce(0) { $0 + $1.unicodeScalars.count }
    characters = Array(text)
    var scalars = 0
    cursor = 0
    while scalars < scalarsBeforeCursor {
      scalars += characters[cursor].unicodeScalars.count
      cursor += 1
    }
  }
}
