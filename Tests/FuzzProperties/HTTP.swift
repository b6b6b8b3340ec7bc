internal import TestTaskDaemonSupport
internal import UVNet

/// A request is what a plain reading of its lines says, is told from each of its beginnings, and what is
/// refused once stays refused, with the same status.
///
/// The first byte chooses whether the rest has the line's end and the field that requests need.
func checkHTTP(_ input: [UInt8]) throws(Finding) {
  var fuzzed = FuzzedInput(input)
  let choice = fuzzed.byte()
  var head = fuzzed.remainder()
  if choice & 1 == 1 { head += Array("\r\nHost: a\r\n\r\n".utf8) }
  let expected = Head(head[...])
  for end in head.indices where end > 0 {
    let part = Head(head[..<end])
    switch (part, expected) {
    case (.needsMore, .request(_, let length)): try require(end < length, "\(end) of \(length)")
    case (.needsMore, _): break
    default: try requireEqual(part, expected, "the first \(end) bytes")
    }
  }
  if case .request(let request, let length) = expected {
    try checkLines(head[..<length], of: request)
  }
}

private enum Head: Equatable {
  case needsMore
  case refused(HTTPRefusal)
  case request(HTTPRequest, length: Int)

  init(_ head: ArraySlice<UInt8>) {
    do throws(HTTPRefusal) {
      let bytes = Array(head)
      switch try HTTPRequestDecoder().decode(bytes.span.bytes) {
      case .frame(let request, let length): self = .request(request, length: length)
      case .needs: self = .needsMore
      }
    } catch {
      self = .refused(error)
    }
  }
}

/// Nothing that two readers could read in two ways is accepted.
private func checkLines(_ head: ArraySlice<UInt8>, of request: HTTPRequest) throws(Finding) {
  try require(head.count <= HTTPRequestDecoder.maximumHead, "a head of \(head.count) bytes")
  try require(head.suffix(4) == [13, 10, 13, 10], "the end of the head")
  let text = Array(head)
  for index in text.indices {
    let byte = text[index]
    let isEnd = byte == 13 || byte == 10
    try require(byte == 9 || byte >= 32 && byte != 127 || isEnd, "a control at \(index)")
    if byte == 10 { try require(index > 0 && text[index - 1] == 13, "LF alone at \(index)") }
    if byte == 13 { try require(text[index + 1] == 10, "CR alone at \(index)") }
  }
  let lines = text.split(separator: 10).map { Array($0.dropLast()) }
  let first = lines[0].split(separator: 32, omittingEmptySubsequences: false).map(Array.init)
  try require(first.count == 3, "a first line of \(first.count) parts")
  try requireEqual(Array(request.method.utf8), first[0], "the method")
  let version = String(decoding: first[2], as: UTF8.self)
  try require(version.hasPrefix("HTTP/1."), version)
  try require(request.path.hasPrefix("/") && !request.path.contains("?"), request.path)
  let target = String(decoding: first[1], as: UTF8.self)
  try require(target.contains(request.path) || request.path == "/", "\(request.path) of \(target)")
  let names = lines.dropFirst().dropLast().map { line in
    String(decoding: line.prefix { $0 != UInt8(ascii: ":") }, as: UTF8.self).lowercased()
  }
  let hosts = names.count { $0 == "host" }
  try require(hosts == 1 || hosts == 0 && version == "HTTP/1.0", "\(hosts) hosts")
  try require(!names.contains("transfer-encoding"), "a body")
  try require(!names.contains { $0.contains(" ") || $0.contains("\t") || $0.isEmpty }, "\(names)")
}
