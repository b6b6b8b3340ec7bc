/// An answer to a request: the connection closes after it.
package struct HTTPResponse: Equatable, Sendable {
  package var status: String
  package var contentType: String
  package var body: [UInt8]
  /// Whether the answer says which methods there are, as one with 405 has to.
  package var tellsMethods = false

  package init(status: String, contentType: String, body: [UInt8]) {
    self.status = status
    self.contentType = contentType
    self.body = body
  }

  /// A line of text.
  package init(status: String, line: String) {
    self.init(
      status: status, contentType: "text/plain; charset=utf-8", body: Array((line + "\n").utf8))
  }

  package init(_ refusal: HTTPRefusal) {
    self.init(status: refusal.status, line: refusal.status)
    tellsMethods = refusal == .methodNotAllowed
  }

  /// What is sent.
  ///
  /// - Parameters:
  ///   - isHead: Whether the request was HEAD, which has the same answer without its body.
  ///   - seconds: The time of day, in seconds since 1970.
  /// - Returns: The head, and the body behind it.
  package func bytes(toHead isHead: Bool, at seconds: Int64) -> [UInt8] {
    let allow = tellsMethods ? "Allow: GET, HEAD\r\n" : ""
    let head = """
      HTTP/1.1 \(status)\r
      Date: \(HTTPDate.text(seconds))\r
      Content-Type: \(contentType)\r
      Content-Length: \(body.count)\r
      Cache-Control: no-store\r
      \(allow)Connection: close\r
      \r

      """
    return Array(head.utf8) + (isHead ? [] : body)
  }
}
