/// The head of an HTTP request, as far as a server of a few pages needs it.
package struct HTTPRequest: Equatable, Sendable {
  /// The method, such as `GET`.
  package var method: String
  /// The path without a query, such as `/metrics`.
  package var path: String

  package init(method: String, path: String) {
    self.method = method
    self.path = path
  }
}

/// Why a request is answered with nothing but a status.
package struct HTTPRefusal: Error, Hashable, Sendable {
  /// The status and its reason (RFC 9110 section 15, RFC 6585).
  package let status: String

  private init(_ status: String) { self.status = status }

  package static let badRequest = HTTPRefusal("400 Bad Request")
  package static let notFound = HTTPRefusal("404 Not Found")
  package static let methodNotAllowed = HTTPRefusal("405 Method Not Allowed")
  package static let timedOut = HTTPRefusal("408 Request Timeout")
  package static let contentTooLarge = HTTPRefusal("413 Content Too Large")
  package static let targetTooLong = HTTPRefusal("414 URI Too Long")
  package static let headTooLarge = HTTPRefusal("431 Request Header Fields Too Large")
  package static let versionNotSupported = HTTPRefusal("505 HTTP Version Not Supported")
}
