/// The sections and entries of an INI text with their places in it, and all that is wrong with it.
///
/// This is the form only: which sections and keys exist, and what their values mean, is
/// ``SettingKey``'s affair. Reading goes on after a problem, so that one run reports them all.
package struct INIText: Equatable {
  /// Where something is: both count from 1, columns in Unicode scalars.
  package struct Place: Hashable, Comparable {
    package var line: Int
    package var column: Int

    package static func < (left: Place, right: Place) -> Bool {
      (left.line, left.column) < (right.line, right.column)
    }
  }

  /// One `key = value` line, under the section it belongs to.
  package struct Entry: Equatable {
    package var section: String
    package var key: String
    package var value: String
    package var keyPlace: Place
    package var valuePlace: Place
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

  package private(set) var sections: [Section] = []
  package private(set) var entries: [Entry] = []
  package private(set) var problems: [Problem] = []

  /// Reads UTF-8 text, with or without a byte order mark, with LF or CRLF line ends.
  package init(parsing bytes: [UInt8]) {
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let text = bytes.starts(with: mark) ? bytes.dropFirst(mark.count) : bytes[...]
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let content = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      read(content, number: index + 1)
    }
  }

  /// What has to stand behind `key =` for a value to be read back as it is.
  ///
  /// - Returns: `nil` for a value that no line can hold: one with control characters, or one that
  ///   has a quote and needs quotes, which cannot hold any.
  package static func written(_ value: String) -> String? {
    let scalars = Array(value.unicodeScalars)
    guard !scalars.contains(where: \.isForbidden) else { return nil }
    let needsQuotes = scalars.isEmpty || scalars.contains { $0.isBlank || $0.startsComment }
    guard scalars.contains("\"") else { return needsQuotes ? " \"\(value)\"" : " \(value)" }
    // Without quotes, then, and without a blank that could set off a comment.
    let beginsComment = zip(scalars, scalars.dropFirst()).contains {
      $0.isBlank && $1.startsComment
    }
    let isTrimmed = scalars.first?.isBlank == true || scalars.last?.isBlank == true
    return scalars.first == "\"" || isTrimmed || beginsComment ? nil : value
  }

  private mutating func read(_ bytes: ArraySlice<UInt8>, number: Int) {
    let line = Array(String(decoding: bytes, as: UTF8.self).unicodeScalars)
    func place(_ index: Int) -> Place { Place(line: number, column: index + 1) }

    if String(validating: bytes, as: UTF8.self) == nil {
      let bad = line.firstIndex(of: "\u{FFFD}") ?? 0
      problems.append(Problem(place: place(bad), message: "not valid UTF-8"))
      return
    }
    if let bad = line.firstIndex(where: \.isForbidden) {
      let code = String(line[bad].value, radix: 16, uppercase: true)
      problems.append(Problem(place: place(bad), message: "control character U+\(code)"))
      return
    }
    guard let start = line.firstIndex(where: { !$0.isBlank }), !line[start].startsComment else {
      return
    }
    if line[start] == "[" {
      readSection(line, from: start, place: place)
    } else {
      readEntry(line, from: start, place: place)
    }
  }

  private mutating func readSection(
    _ line: [Unicode.Scalar], from start: Int, place: (Int) -> Place
  ) {
    guard let end = line[start...].firstIndex(of: "]") else {
      problems.append(Problem(place: place(start), message: "a section's name ends with \"]\""))
      return
    }
    sections.append(
      Section(name: String(trimming: line[(start + 1)..<end]), place: place(start)))
    reportStray(in: line, after: end, place: place)
  }

  private mutating func readEntry(
    _ line: [Unicode.Scalar], from start: Int, place: (Int) -> Place
  ) {
    guard let equals = line[start...].firstIndex(of: "="), equals > start else {
      problems.append(
        Problem(place: place(start), message: "neither \"[section]\" nor \"key = value\""))
      return
    }
    let key = String(trimming: line[start..<equals])
    guard let section = sections.last else {
      problems.append(Problem(place: place(start), message: "\"\(key)\" is before any [section]"))
      return
    }
    // The blank before a comment may be the very one after "=".
    let valueStart = line[(equals + 1)...].firstIndex { !$0.isBlank } ?? line.count
    var value = ""
    if valueStart < line.count, line[valueStart] == "\"" {
      guard let quote = line[(valueStart + 1)...].firstIndex(of: "\"") else {
        problems.append(Problem(place: place(valueStart), message: "the closing '\"' is missing"))
        return
      }
      value.unicodeScalars.append(contentsOf: line[(valueStart + 1)..<quote])
      reportStray(in: line, after: quote, place: place)
    } else {
      let end = (valueStart..<line.count).first {
        line[$0].startsComment && line[$0 - 1].isBlank
      }
      value = String(trimming: line[valueStart..<(end ?? line.count)])
    }
    entries.append(
      Entry(
        section: section.name, key: key, value: value,
        keyPlace: place(start), valuePlace: place(min(valueStart, line.count))))
  }

  /// After a closing bracket or quote only blanks and a comment set off by one may follow.
  private mutating func reportStray(
    in line: [Unicode.Scalar], after end: Int, place: (Int) -> Place
  ) {
    guard let next = line[(end + 1)...].firstIndex(where: { !$0.isBlank }) else { return }
    if !line[next].startsComment || next == end + 1 {
      problems.append(
        Problem(place: place(next), message: "stray text after \"\(line[end])\""))
    }
  }
}

extension Unicode.Scalar {
  fileprivate var isBlank: Bool { self == " " || self == "\t" }
  fileprivate var startsComment: Bool { self == "#" || self == ";" }
  fileprivate var isForbidden: Bool { self != "\t" && (value < 0x20 || value == 0x7F) }
}

extension String {
  fileprivate init(trimming scalars: ArraySlice<Unicode.Scalar>) {
    self = ""
    guard let first = scalars.firstIndex(where: { !$0.isBlank }),
      let last = scalars.lastIndex(where: { !$0.isBlank })
    else { return }
    unicodeScalars.append(contentsOf: scalars[first...last])
  }
}
