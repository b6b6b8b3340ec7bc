extension INIText: Equatable {
  /// One `key = value` line, under the section it belongs to.
  package struct Entry: Equatable {
    package var section: String
    package var key: String
    package var value: String
    package var keyPlace: Place
    package var valuePlace: Place
  }

  /// Where the parts of an entry stand in ``INIText/bytes``.
  ///
  /// A text of a megabyte may have 350 000 entries: each is a few small numbers, and strings are made
  /// of those alone that somebody asks for. So a text may have at most 4 GiB.
  struct EntryLine {
    /// The section's place in ``INIText/sections``.
    let section: UInt32
    /// The line's number, from 1.
    let number: UInt32
    /// Where the line begins.
    let start: UInt32
    let key: Range<UInt32>
    /// Where the value begins, its quote included.
    let valueStart: UInt32
    let value: Range<UInt32>
  }

  package var entries: [Entry] { entryLines.map(entry) }

  func entry(_ line: EntryLine) -> Entry {
    Entry(
      section: sections[Int(line.section)].name,
      key: String(decoding: bytes(of: line.key), as: UTF8.self), value: value(line),
      keyPlace: place(line.key.lowerBound, in: line), valuePlace: place(line.valueStart, in: line))
  }

  func value(_ line: EntryLine) -> String {
    String(decoding: bytes(of: line.value), as: UTF8.self)
  }

  func bytes(of part: Range<UInt32>) -> ArraySlice<UInt8> {
    bytes[Int(part.lowerBound)..<Int(part.upperBound)]
  }

  private func place(_ index: UInt32, in line: EntryLine) -> Place {
    Place(of: Int(index), in: bytes[Int(line.start)...], line: Int(line.number))
  }

  /// Texts that say the same at the same places are equal, whatever ends their lines.
  package static func == (left: INIText, right: INIText) -> Bool {
    left.sections == right.sections && left.problemList == right.problemList
      && left.entries == right.entries
  }
}
