/// A key, or something else that a terminal sends as input.
package enum Key: Hashable {
  case text(Unicode.Scalar)
  /// Ctrl and a letter, in lower case: Ctrl-A is `control("a")`.
  case control(Character)
  /// Alt, or Escape before it, and a letter.
  case meta(Character)
  case enter, tab, backspace, delete
  case up, down, left, right, home, end
  case wordLeft, wordRight, deleteWordLeft
  /// A bracketed paste: its text, in which no byte is a key.
  case paste(String)
}
