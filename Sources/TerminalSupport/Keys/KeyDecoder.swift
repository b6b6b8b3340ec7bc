/// Reads a terminal's bytes as keys, however the reads cut them.
///
/// Bytes that are neither UTF-8 nor a known sequence are consumed whole, so that no part of them gets
/// into the line: control sequences by ECMA-48's grammar with the exceptions that terminals make, and
/// replies to queries of other programs.
///
/// The decoder has no clock. The caller waits no longer than ``patience`` for the remaining bytes
/// of a key or sequence, and then calls ``giveUp()``, so that an incomplete one does not swallow
/// later keys.
package struct KeyDecoder {
  private enum State {
    case ground
    case utf8(needed: Int)
    case escape
    /// After `ESC [`, with the parameters that followed.
    case controlSequence
    /// After `ESC O`.
    case singleShift
    /// In a sequence that ends after this number of further bytes, whatever they are.
    case skipping(Int)
    /// After `ESC P`, `ESC ]` or another beginning of a string, in text that is not a key.
    case string(isEmpty: Bool)
    /// In a string, after an Escape, which may begin its end.
    case stringEscape
    case paste
  }

  /// The most bytes of a paste that are kept; further bytes are dropped.
  package static let pasteLimit = 65536
  private static let pasteEnd = Array("\u{1b}[201~".utf8)
  private static let controls = Array("@abcdefghijklmnopqrstuvwxyz[\\]^_")

  private var state = State.ground
  private var bytes: [UInt8] = []
  private var pasteIsFull = false

  /// A decoder at the start of a key.
  package init() {}

  /// How long to wait for the remaining bytes of a key; nil between two keys.
  ///
  /// A terminal sends a sequence in one piece, which a network may cut. People press Escape and then a
  /// letter. Pastes and long replies come at the speed of the network.
  package var patience: Duration? {
    switch state {
    case .ground: nil
    case .utf8, .controlSequence, .singleShift, .skipping, .string(isEmpty: true):
      .milliseconds(200)
    case .escape, .string, .stringEscape, .paste: .seconds(1)
    }
  }

  /// Whether a paste has begun and not ended.
  package var isInPaste: Bool { if case .paste = state { true } else { false } }

  /// Gives up the incomplete key: no more of it will come.
  ///
  /// The part of a paste that has come counts as the paste.
  package mutating func giveUp() -> Key? {
    guard isInPaste else {
      state = .ground
      return nil
    }
    // The beginning of the end marker is not part of the text.
    let partOfEnd = (1..<Self.pasteEnd.count).last { bytes.ends(with: Self.pasteEnd.prefix($0)) }
    return endPaste(leavingOut: partOfEnd ?? 0)
  }

  /// Drops the paste that has begun.
  package mutating func dropPaste() { state = .ground }

  /// Takes the next byte; a key when it completes one.
  package mutating func decode(_ byte: UInt8) -> Key? {
    switch state {
    case .ground: return ground(byte)
    case .utf8(let needed): return continueCharacter(byte, of: needed)
    case .escape: return escape(byte)
    case .controlSequence:
      guard let parameters = parameters(before: byte) else { return continueSequence(byte) }
      return endSequence(byte, parameters)
    case .singleShift:
      guard let parameters = parameters(before: byte) else { return continueSequence(byte) }
      state = .ground
      if byte == UInt8(ascii: "M") { return .enter }
      // The modifier is its only parameter; in a control sequence it is the second.
      return Self.key(final: byte, parameters.contains(";") ? parameters : "1;" + parameters)
    case .skipping(let count):
      // Skipped bytes contain no control: a control is a key, and ends the sequence.
      guard byte >= 0x20 else { return breakOff(with: byte) }
      state = count > 1 ? .skipping(count - 1) : .ground
      return nil
    case .string: return continueString(byte)
    case .stringEscape:
      state = .ground
      return byte == UInt8(ascii: "\\") ? nil : escape(byte)
    case .paste: return continuePaste(byte)
    }
  }

  private mutating func ground(_ byte: UInt8) -> Key? {
    switch byte {
    case 0x1B: state = .escape
    case 0x0D, 0x0A: return .enter
    case 0x09: return .tab
    case 0x08, 0x7F: return .backspace
    case 0..<0x20: return .control(Self.controls[Int(byte)])
    case 0x20..<0x7F: return .text(UnicodeScalar(byte))
    case 0xC2...0xDF: (state, bytes) = (.utf8(needed: 2), [byte])
    case 0xE0...0xEF: (state, bytes) = (.utf8(needed: 3), [byte])
    case 0xF0...0xF4: (state, bytes) = (.utf8(needed: 4), [byte])
    default: break
    }
    return nil
  }

  /// Drops the incomplete sequence and takes the byte as the beginning of another key.
  private mutating func breakOff(with byte: UInt8) -> Key? {
    state = .ground
    return ground(byte)
  }

  private mutating func continueCharacter(_ byte: UInt8, of needed: Int) -> Key? {
    guard byte & 0xC0 == 0x80 else { return breakOff(with: byte) }
    bytes.append(byte)
    guard bytes.count == needed else { return nil }
    state = .ground
    guard let scalar = String(validating: bytes, as: UTF8.self)?.unicodeScalars.first else {
      return nil
    }
    guard (0x80...0x9F).contains(scalar.value) else { return .text(scalar) }
    // A C1 control is Escape and a letter in one character. It is not text.
    _ = introduce(UInt8(truncatingIfNeeded: scalar.value) - 0x40)
    return nil
  }

  private mutating func escape(_ byte: UInt8) -> Key? {
    state = .ground
    if introduce(byte) { return nil }
    switch byte {
    case 0x1B: state = .escape
    case 0x08, 0x7F: return .deleteWordLeft
    case 0x20..<0x7F: return .meta(Character(UnicodeScalar(byte)))
    default: return ground(byte)
    }
    return nil
  }

  /// Begins the sequence that the letter after an Escape introduces; false if there is none.
  private mutating func introduce(_ letter: UInt8) -> Bool {
    switch UnicodeScalar(letter) {
    case "[": (state, bytes) = (.controlSequence, [])
    case "O": (state, bytes) = (.singleShift, [])
    // DCS, SOS, OSC, PM and APC.
    case "P", "X", "]", "^", "_": (state, bytes) = (.string(isEmpty: true), [])
    default: return false
    }
    return true
  }

  // MARK: Sequences

  /// The parameters of a sequence that `byte` ends; nil when it does not.
  private func parameters(before byte: UInt8) -> String? {
    (0x40...0x7E).contains(byte) ? String(decoding: bytes, as: UTF8.self) : nil
  }

  private mutating func continueSequence(_ byte: UInt8) -> Key? {
    guard (0x20..<0x40).contains(byte) else { return breakOff(with: byte) }
    // Parameters over the limit are dropped, but the sequence continues.
    if bytes.count < 32 { bytes.append(byte) }
    return nil
  }

  private mutating func endSequence(_ final: UInt8, _ parameters: String) -> Key? {
    switch (UnicodeScalar(final), parameters) {
    // The Linux console's F1 to F5 are `ESC [ [` and a letter.
    case ("[", ""): state = .skipping(1)
    // xterm's oldest report of the mouse: three bytes, for button, column and row.
    case ("M", ""): state = .skipping(3)
    case ("~", "200"): (state, bytes, pasteIsFull) = (.paste, [], false)
    default:
      state = .ground
      return Self.key(final: final, parameters)
    }
    return nil
  }

  private static func key(final: UInt8, _ parameters: String) -> Key? {
    let fields = parameters.split(separator: ";", omittingEmptySubsequences: false)
    guard final == UInt8(ascii: "~") else {
      guard let key = cursorKey(final) else { return nil }
      // xterm's modifier is 1 + 1 for Shift + 2 for Alt + 4 for Ctrl.
      let modifier = fields.count > 1 ? (Int(fields[1]) ?? 1) &- 1 : 0
      guard modifier & 6 != 0 else { return key }
      return key == .left ? .wordLeft : key == .right ? .wordRight : key
    }
    switch fields.first {
    case "1", "7": return .home
    case "4", "8": return .end
    case "3": return .delete
    default: return nil
    }
  }

  private static func cursorKey(_ final: UInt8) -> Key? {
    switch UnicodeScalar(final) {
    case "A": .up
    case "B": .down
    case "C": .right
    case "D": .left
    case "H": .home
    case "F": .end
    default: nil
    }
  }

  // MARK: Strings that are not keys

  /// Looks for the end of a reply: `ESC \`, or BEL as in xterm's replies.
  ///
  /// A reply has no other controls. One that comes is a key, so Enter and Ctrl-C work even if typed text
  /// was taken for a reply.
  private mutating func continueString(_ byte: UInt8) -> Key? {
    switch byte {
    case 0x07: state = .ground
    case 0x1B: state = .stringEscape
    case 0..<0x20: return breakOff(with: byte)
    // The end in one character: U+009C.
    case 0x9C where bytes.last == 0xC2: state = .ground
    default: (state, bytes) = (.string(isEmpty: false), [byte])
    }
    return nil
  }

  private mutating func continuePaste(_ byte: UInt8) -> Key? {
    if pasteIsFull, bytes.count > Self.pasteLimit + 64 {
      // The paste is over its limit: only the bytes that may be the end marker are kept.
      bytes.removeSubrange(Self.pasteLimit..<bytes.count - Self.pasteEnd.count)
    }
    bytes.append(byte)
    pasteIsFull = bytes.count > Self.pasteLimit
    guard bytes.ends(with: Self.pasteEnd) else { return nil }
    return endPaste(leavingOut: Self.pasteEnd.count)
  }

  private mutating func endPaste(leavingOut count: Int) -> Key {
    state = .ground
    let content = bytes.dropLast(count).prefix(Self.pasteLimit)
    return .paste(String(decoding: content, as: UTF8.self))
  }
}

extension [UInt8] {
  fileprivate func ends(with end: some Collection<UInt8>) -> Bool {
    suffix(end.count).elementsEqual(end)
  }
}
