/// Takes choices and content off an input, so that the fuzzer decides both.
///
/// An input that has run out gives zeros.
struct FuzzedInput {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  var isEmpty: Bool { rest.isEmpty }

  mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  mutating func number() -> UInt32 {
    (0..<4).reduce(UInt32(0)) { value, _ in value << 8 | UInt32(byte()) }
  }

  mutating func bytes(_ count: Int) -> ArraySlice<UInt8> {
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  mutating func remainder() -> [UInt8] {
    defer { rest = [] }
    return Array(rest)
  }
}

/// Cuts bytes into pieces whose sizes repeat a short pattern made of `choice`: 0 cuts nothing.
func cutUp(_ bytes: [UInt8], by choice: UInt8) -> [ArraySlice<UInt8>] {
  guard choice > 0 else { return [bytes[...]] }
  let sizes = [1 + Int(choice & 3), 1 + Int(choice >> 2 & 7), 1 + Int(choice >> 5) * 5]
  var pieces: [ArraySlice<UInt8>] = []
  var start = 0
  while start < bytes.count {
    let end = min(bytes.count, start + sizes[pieces.count % sizes.count])
    pieces.append(bytes[start..<end])
    start = end
  }
  return pieces
}
