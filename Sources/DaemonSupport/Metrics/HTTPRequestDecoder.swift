package import UVNet

/// Reads the head of one request of HTTP/1.1 or 1.0, strictly, without I/O (RFC 9112).
///
/// What is no request is refused as soon as that is certain, however the bytes were cut. A request with
/// a body is refused: nothing that is served here has one.
package struct HTTPRequestDecoder: Decoding {
  /// The most bytes of the first line, and of all lines together.
  package static let maximumLine = 2_048
  package static let maximumHead = 8_192

  package init() {}

  package func decode(_ bytes: RawSpan) throws(HTTPRefusal) -> Decoded<HTTPRequest> {
    let head = [UInt8](bytes.extracting(first: Self.maximumHead))
    var lines = Lines(head)
    guard let first = try lines.next(atMost: Self.maximumLine, else: .targetTooLong) else {
      return .needMore
    }
    let (request, isOlder) = try Self.request(first)
    var fields = Fields()
    while let line = try lines.next(atMost: Self.maximumHead, else: .headTooLarge) {
      guard line.isEmpty else {
        try fields.add(line)
        continue
      }
      // HTTP/1.1 asks for exactly one.
      guard fields.hosts == 1 || (isOlder && fields.hosts == 0) else { throw .badRequest }
      guard !fields.hasBody else { throw .contentTooLarge }
      return .frame(request, consumed: lines.position)
    }
    return .needMore
  }

  /// Cuts a head into lines, each of which ends with CR and LF.
  private struct Lines {
    private let head: [UInt8]
    private(set) var position = 0

    init(_ head: [UInt8]) { self.head = head }

    /// The next line without its end, which has neither controls nor DEL; `nil` when more has to come.
    mutating func next(
      atMost most: Int, else refusal: HTTPRefusal
    ) throws(HTTPRefusal) -> ArraySlice<UInt8>? {
      let rest = head[position...].prefix(most - position)
      for index in rest.indices {
        let byte = head[index]
        // Nothing but a line's end may follow a CR.
        let followsReturn = index > position && head[index - 1] == 0x0D
        if byte == 0x0A {
          guard followsReturn else { throw .badRequest }
          defer { position = index + 1 }
          return head[position..<index - 1]
        }
        let isText = byte >= 0x20 && byte != 0x7F || byte == 0x09 || byte == 0x0D
        guard isText, !followsReturn else { throw .badRequest }
      }
      guard rest.endIndex < most else { throw refusal }
      return nil
    }
  }

  /// Reads `GET /metrics HTTP/1.1`.
  private static func request(
    _ line: ArraySlice<UInt8>
  ) throws(HTTPRefusal) -> (HTTPRequest, isOlder: Bool) {
    let parts = line.split(separator: 0x20, omittingEmptySubsequences: false)
    guard parts.count == 3, !parts[0].isEmpty, parts[0].allSatisfy(\.isTokenCharacter),
      parts[1].allSatisfy({ 0x21..<0x7F ~= $0 })
    else { throw .badRequest }
    let version = Array(parts[2])
    guard version.count == 8, version.starts(with: "HTTP/".utf8), version[5].isDigit,
      version[6] == UInt8(ascii: "."), version[7].isDigit
    else { throw .badRequest }
    // A higher minor version is to be taken for 1.1 (RFC 9110 section 2.5).
    guard version[5] == UInt8(ascii: "1") else { throw .versionNotSupported }
    let target = String(decoding: parts[1], as: UTF8.self)
    let request = HTTPRequest(
      method: String(decoding: parts[0], as: UTF8.self), path: try path(of: target))
    return (request, version[7] == UInt8(ascii: "0"))
  }

  /// The path of a target in origin form, or in absolute form, which servers have to take
  /// (RFC 9112 section 3.2.2).
  private static func path(of target: String) throws(HTTPRefusal) -> String {
    let scheme = "http://"
    var rest = target.utf8[...]
    if target.utf8.count > scheme.utf8.count,
      target.prefix(scheme.utf8.count).lowercased() == scheme
    {
      rest = rest.dropFirst(scheme.utf8.count)
      rest = rest[(rest.firstIndex { $0 == UInt8(ascii: "/") } ?? rest.endIndex)...]
      if rest.isEmpty { return "/" }
    }
    guard rest.first == UInt8(ascii: "/") else { throw .badRequest }
    return String(Substring(rest.prefix { $0 != UInt8(ascii: "?") }))
  }

  /// What the fields say that matters.
  private struct Fields {
    var hosts = 0
    var hasBody = false

    mutating func add(_ line: ArraySlice<UInt8>) throws(HTTPRefusal) {
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
        line[..<colon].allSatisfy(\.isTokenCharacter)
      else { throw .badRequest }
      let value = String(decoding: line[(colon + 1)...], as: UTF8.self)
        .split { $0 == " " || $0 == "\t" }.joined(separator: " ")
      switch String(decoding: line[..<colon], as: UTF8.self).lowercased() {
      case "host": hosts += 1
      case "transfer-encoding": hasBody = true
      case "content-length":
        guard !value.isEmpty, value.utf8.allSatisfy(\.isDigit) else { throw .badRequest }
        if value.utf8.contains(where: { $0 != UInt8(ascii: "0") }) { hasBody = true }
      default: break
      }
    }
  }
}

extension UInt8 {
  fileprivate var isDigit: Bool { UInt8(ascii: "0")...UInt8(ascii: "9") ~= self }

  /// Whether it may stand in a method or a field's name (RFC 9110 section 5.6.2).
  fileprivate var isTokenCharacter: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    default: isDigit || "!#$%&'*+-.^_`|~".utf8.contains(self)
    }
  }
}
