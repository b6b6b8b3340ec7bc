import TestTaskProgramBasics

/// The sections and entries of an INI text with their places in it, and all that is wrong with it.
///
/// It knows the syntax only; ``SettingKey`` knows which sections and keys exist, and what their values
/// mean. Reading goes on after a problem, so that one run reports them all.
package struct INIText {
  /// Where something is: both count from 1, columns in Unicode scalars.
  package struct Place: Hashable, Comparable {
    package var line: Int
    package var column: Int

    /// The place of a byte in a line that begins where `bytes` do; it takes a pass over the line.
    init(of index: Int, in bytes: ArraySlice<UInt8>, line: Int) {
      let before = bytes[..<index].count { !$0.isContinuation }
      self.init(line: line, column: before + 1)
    }

    package init(line: Int, column: Int) {
      self.line = line
      self.column = column
    }

    package static func < (left: Place, right: Place) -> Bool {
      (left.line, left.column) < (right.line, right.column)
    }
  }

  /// A section's header.
  package struct Section: Equatable {
    package var name: String
    package var place: Place
  }

  /// What is wrong at one place.
  package struct Problem: Equatable {
    package var place: Place
    package var message: String
  }

  let bytes: [UInt8]
  package private(set) var sections: [Section] = []
  /// The lines with entries, in their order; ``entry(_:)`` says what stands in one.
  private(set) var entryLines: [EntryLine] = []
  private(set) var problemList = ProblemList()
  /// The first problems, in their order.
  package var problems: [Problem] { problemList.first }

  /// Reads UTF-8 text, with or without a byte order mark, with LF or CRLF line ends.
  package init(parsing bytes: [UInt8]) {
    self.bytes = bytes
    // Of the whole at once: it is faster, and a line of a valid text is valid.
    let isValid = String(validating: bytes, as: UTF8.self) != nil
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    var start = bytes.starts(with: mark) ? mark.count : 0
    var number = 0
    while start <= bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
      number += 1
      let line = bytes[start..<end]
      read(
        Line(bytes: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, number: number),
        isValid: isValid)
      start = end + 1
    }
  }

  /// The text to write after `key =` so that reading it gives this value.
  ///
  /// - Returns: `nil` for a value that cannot be written: one with control characters, or one that
  ///   contains a quote and needs quotes.
  package static func written(_ value: String) -> String? {
    let scalars = Array(value.unicodeScalars)
    guard !scalars.contains(where: \.isForbidden) else { return nil }
    let needsQuotes = scalars.isEmpty || scalars.contains { $0.isBlank || $0.startsComment }
    guard scalars.contains("\"") else { return needsQuotes ? " \"\(value)\"" : " \(value)" }
    // Without quotes, so without a blank that could begin a comment.
    let beginsComment = zip(scalars, scalars.dropFirst()).contains {
      $0.isBlank && $1.startsComment
    }
    let isTrimmed = scalars.first?.isBlank == true || scalars.last?.isBlank == true
    return scalars.first == "\"" || isTrimmed || beginsComment ? nil : value
  }

  /// One line without its end.
  private struct Line {
    let bytes: ArraySlice<UInt8>
    let number: Int

    /// The place of a byte, for a message.
    func place(_ index: Int) -> Place { Place(of: index, in: bytes, line: number) }

    /// A part without the blanks around it.
    func trimmed(_ range: Range<Int>) -> Range<Int> {
      var (start, end) = (range.lowerBound, range.upperBound)
      while start < end, bytes[start].isBlank { start += 1 }
      while start < end, bytes[end - 1].isBlank { end -= 1 }
      return start..<end
    }

    func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
  }

  private mutating func read(_ line: Line, isValid: Bool) {
    if !isValid, line.bytes.contains(where: { $0 >= 0x80 }),
      String(validating: line.bytes, as: UTF8.self) == nil
    {
      return problemList.add(Self.placeOfBadBytes(in: line), "not valid UTF-8")
    }
    if let bad = line.bytes.firstIndex(where: \.isForbidden) {
      let code = String(line.bytes[bad], radix: 16, uppercase: true)
      return problemList.add(line.place(bad), "control character U+\(code)")
    }
    guard let start = line.bytes.firstIndex(where: { !$0.isBlank }),
      !line.bytes[start].startsComment
    else { return }
    if line.bytes[start] == UInt8(ascii: "[") {
      readSection(line, from: start)
    } else {
      readEntry(line, from: start)
    }
  }

  private static func placeOfBadBytes(in line: Line) -> Place {
    let scalars = Array(String(decoding: line.bytes, as: UTF8.self).unicodeScalars)
    return Place(line: line.number, column: (scalars.firstIndex(of: "\u{FFFD}") ?? 0) + 1)
  }

  private mutating func readSection(_ line: Line, from start: Int) {
    guard let end = line.bytes[start...].firstIndex(of: UInt8(ascii: "]")) else {
      return problemList.add(line.place(start), "a section's name ends with \"]\"")
    }
    sections.append(
      Section(name: line.text(line.trimmed(start + 1..<end)), place: line.place(start)))
    reportStray(in: line, after: end)
  }

  private mutating func readEntry(_ line: Line, from start: Int) {
    let bytes = line.bytes
    guard let equals = bytes[start...].firstIndex(of: UInt8(ascii: "=")), equals > start else {
      return problemList.add(line.place(start), "neither \"[section]\" nor \"key = value\"")
    }
    let key = line.trimmed(start..<equals)
    guard !sections.isEmpty else {
      return problemList.add(
        line.place(start), "\"\(line.text(key).shown)\" is before any [section]")
    }
    // The blank before a comment may be the very one after "=".
    let valueStart = bytes[(equals + 1)...].firstIndex { !$0.isBlank } ?? bytes.endIndex
    let value: Range<Int>
    if valueStart < bytes.endIndex, bytes[valueStart] == UInt8(ascii: "\"") {
      guard let quote = bytes[(valueStart + 1)...].firstIndex(of: UInt8(ascii: "\"")) else {
        return problemList.add(line.place(valueStart), "the closing '\"' is missing")
      }
      value = valueStart + 1..<quote
      reportStray(in: line, after: quote)
    } else {
      let end = (valueStart..<bytes.endIndex).first {
        bytes[$0].startsComment && bytes[$0 - 1].isBlank
      }
      value = line.trimmed(valueStart..<(end ?? bytes.endIndex))
    }
    entryLines.append(
      EntryLine(
        section: UInt32(sections.count - 1), number: UInt32(line.number),
        start: UInt32(bytes.startIndex),
        key: UInt32(key.lowerBound)..<UInt32(key.upperBound), valueStart: UInt32(valueStart),
        value: UInt32(value.lowerBound)..<UInt32(value.upperBound)))
  }

  /// After a closing bracket or quote only blanks and a comment set off by one may follow.
  private mutating func reportStray(in line: Line, after end: Int) {
    let bytes = line.bytes
    guard let next = bytes[(end + 1)...].firstIndex(where: { !$0.isBlank }) else { return }
    if !bytes[next].startsComment || next == end + 1 {
      problemList.add(
        line.place(next), "stray text after \"\(Character(Unicode.Scalar(bytes[end])))\"")
    }
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == UInt8(ascii: " ") || self == UInt8(ascii: "\t") }
  fileprivate var startsComment: Bool { self == UInt8(ascii: "#") || self == UInt8(ascii: ";") }
  fileprivate var isForbidden: Bool { self < 0x20 && self != UInt8(ascii: "\t") || self == 0x7F }
  /// Whether this byte continues a character of UTF-8.
  fileprivate var isContinuation: Bool { self & 0xC0 == 0x80 }
}

extension Unicode.Scalar {
  fileprivate var isBlank: Bool { self == " " || self == "\t" }
  fileprivate var startsComment: Bool { self == "#" || self == ";" }
  fileprivate var isForbidden: Bool { self != "\t" && (value < 0x20 || value == 0x7F) }
}

extension String {
  /// Escaped and shortened for a message: a file may contain control sequences, or a line of a megabyte.
  var shown: String {
    let most = 80
    let isLong = utf8.count > most
    return (isLong ? String(prefix(most)) : self).escapedForTerminal + (isLong ? "…" : "")
  }
}
