import TestTaskProgramBasics

/// Reads a terminal's bytes as keys, however the reads cut them.
///
/// A lone Escape waits for what follows it: it is the prefix of Alt, and no clock is needed to
/// tell. What is neither UTF-8 nor a known sequence is swallowed whole, so that no half of it
/// lands in the line.
package struct KeyDecoder {
  private enum State {
    case ground
    case utf8(needed: Int)
    case escape
    /// After `ESC [`, with what followed.
    case csi
    /// After `ESC O`.
    case ss3
    case paste
  }

  /// The longest paste that is kept, in bytes; the rest of it is dropped.
  package static let pasteLimit = 65536
  private static let pasteEnd = Array("\u{1b}[201~".utf8)
  private static let controls = Array("@abcdefghijklmnopqrstuvwxyz[\\]^_")

  private var state = State.ground
  private var bytes: [UInt8] = []
  private var pasteIsFull = false

  /// A decoder at the start of a key.
  package init() {}

  /// Takes the next byte; a key when it completes one.
  package mutating func decode(_ byte: UInt8) -> Key? {
    switch state {
    case .ground: return ground(byte)
    case .utf8(let needed):
      guard byte & 0xC0 == 0x80 else {
        state = .ground
        return ground(byte)
      }
      bytes.append(byte)
      guard bytes.count == needed else { return nil }
      state = .ground
      return String(validating: bytes, as: UTF8.self)?.unicodeScalars.first.flatMap {
        // C1 controls are no text.
        (0x80...0x9F).contains($0.value) ? nil : .text($0)
      }
    case .escape:
      state = .ground
      switch byte {
      case UInt8(ascii: "["): (state, bytes) = (.csi, [])
      case UInt8(ascii: "O"): state = .ss3
      case 0x1B: state = .escape
      case 0x08, 0x7F: return .deleteWordLeft
      case 0x20..<0x7F: return .meta(Character(UnicodeScalar(byte)))
      default: return ground(byte)
      }
      return nil
    case .ss3:
      state = .ground
      return Self.cursorKey(byte)
    case .csi:
      guard (0x40...0x7E).contains(byte) else {
        // A control breaks a sequence off; one without end is none.
        if byte < 0x20 || byte > 0x7E {
          state = .ground
          return ground(byte)
        }
        if bytes.count < 32 { bytes.append(byte) }
        return nil
      }
      state = .ground
      return sequence(final: byte)
    case .paste:
      if pasteIsFull, bytes.count > Self.pasteLimit + 64 {
        // Only the end of it is still looked for.
        bytes.removeSubrange(Self.pasteLimit..<bytes.count - Self.pasteEnd.count)
      }
      bytes.append(byte)
      pasteIsFull = bytes.count > Self.pasteLimit
      guard bytes.suffix(Self.pasteEnd.count).elementsEqual(Self.pasteEnd) else { return nil }
      state = .ground
      let content = bytes.dropLast(Self.pasteEnd.count).prefix(Self.pasteLimit)
      return .paste(String(decoding: content, as: UTF8.self))
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

  private mutating func sequence(final: UInt8) -> Key? {
    let fields = bytes.split(separator: UInt8(ascii: ";"), omittingEmptySubsequences: false)
      .map { String(decoding: $0, as: UTF8.self) }
    // xterm's modifier is 1 + 1 for Shift + 2 for Alt + 4 for Ctrl.
    let modifier = fields.count > 1 ? (Int(fields[1]) ?? 1) &- 1 : 0
    let movesByWord = modifier & 6 != 0
    guard final == UInt8(ascii: "~") else {
      guard let key = Self.cursorKey(final) else { return nil }
      return movesByWord && key == .left
        ? .wordLeft : movesByWord && key == .right ? .wordRight : key
    }
    switch fields.first {
    case "1", "7": return .home
    case "4", "8": return .end
    case "3": return .delete
    case "200":
      (state, bytes, pasteIsFull) = (.paste, [], false)
      return nil
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
}
