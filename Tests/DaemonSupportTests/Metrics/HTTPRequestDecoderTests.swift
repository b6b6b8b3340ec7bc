import Testing
import UVNet
import UVNetTestKit

@testable import TestTaskDaemonSupport

@Suite struct HTTPRequestDecoderTests {
  private let requests = DecoderVerifier { HTTPRequestDecoder() }

  private func verify(_ text: String, gives method: String, _ path: String) throws {
    try requests.verify(text, gives: [HTTPRequest(method: method, path: path)])
  }

  @Test(arguments: [
    ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/metrics"),
    ("HEAD /healthz HTTP/1.1\r\nhost:a:9464\r\nAccept: */*\r\n\r\n", "HEAD", "/healthz"),
    ("GET / HTTP/1.0\r\n\r\n", "GET", "/"), ("GET /a HTTP/1.0\r\nHost: a\r\n\r\n", "GET", "/a"),
    ("GET /a HTTP/1.9\r\nHost:\r\n\r\n", "GET", "/a"),
    ("GET /metrics?x=/y?z HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/metrics"),
    ("GET http://a:1/metrics?x HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/metrics"),
    ("GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", "GET", "/"),
    ("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", "BREW", "/pot"),
    ("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "POST", "/a"),
    ("GET /a HTTP/1.1\r\nHost: a\r\nX: \u{E9}\t!\r\nY:\r\n\r\n", "GET", "/a"),
  ])
  func `a request is told, however it comes`(text: String, method: String, path: String) throws {
    try verify(text, gives: method, path)
  }

  @Test(arguments: [
    ("GET /metrics HTTP/1.1\n", HTTPRefusal.badRequest), ("\r\n", .badRequest),
    ("GET  /metrics HTTP/1.1\r\n", .badRequest), ("GET /metrics\r\n", .badRequest),
    (" GET /metrics HTTP/1.1\r\n", .badRequest), ("GET /metrics HTTP/1.1 \r\n", .badRequest),
    ("G(T /metrics HTTP/1.1\r\n", .badRequest), ("GET metrics HTTP/1.1\r\n", .badRequest),
    ("OPTIONS * HTTP/1.1\r\n", .badRequest), ("CONNECT a:1 HTTP/1.1\r\n", .badRequest),
    ("GET ftp://a/metrics HTTP/1.1\r\n", .badRequest), ("GET / HTTP/11\r\n", .badRequest),
    ("GET / http/1.1\r\n", .badRequest), ("GET /\u{E9} HTTP/1.1\r\n", .badRequest),
    ("GET / HTTP/2.0\r\n", .versionNotSupported), ("GET / HTTP/0.9\r\n", .versionNotSupported),
    ("\u{16}\u{3}\u{1}", .badRequest), ("GET /\u{0}", .badRequest), ("GET /\u{7F}", .badRequest),
    ("GET / HTTP/1.1\rX", .badRequest), ("GET / HTTP/1.1\r\r\n", .badRequest),
    ("GET / HTTP/1.1\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", .badRequest),
    ("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost a\r\n", .badRequest), ("GET / HTTP/1.1\r\nHost : a\r\n", .badRequest),
    ("GET / HTTP/1.1\r\n: a\r\n", .badRequest), ("GET / HTTP/1.1\r\nX: a\r\n b\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nX: a\nY: b\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nContent-Length: x\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nContent-Length: -1\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nContent-Length:\r\n", .badRequest),
    ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", .contentTooLarge),
    (
      "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
      .contentTooLarge
    ),
    ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", .contentTooLarge),
    ("GET /" + String(repeating: "x", count: 3_000), .targetTooLong),
    (
      "GET / HTTP/1.1\r\nHost: a\r\n" + String(repeating: "X: y\r\n", count: 1_400),
      .headTooLarge
    ),
    ("GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: 9_000), .headTooLarge),
  ])
  func `anything else is refused with its status, however it comes`(
    text: String, refusal: HTTPRefusal
  ) throws {
    try requests.verify(text, gives: [], then: .malformed(refusal))
  }

  @Test func `a head is not over before its empty line`() throws {
    for text in [
      "G", "GET / HTTP/1.1\r", "GET / HTTP/1.1\r\nHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r",
    ] {
      try requests.verify(text, gives: [], then: .truncated(byteCount: text.utf8.count))
    }
  }
}

@Suite struct HTTPResponseTests {
  private func text(_ response: HTTPResponse, toHead isHead: Bool = false) -> String {
    String(decoding: response.bytes(toHead: isHead, at: 784_111_777), as: UTF8.self)
  }

  @Test func `an answer says what it has and that the connection closes`() {
    let response = HTTPResponse(status: "200 OK", line: "ok")
    let head = """
      HTTP/1.1 200 OK\r
      Date: Sun, 06 Nov 1994 08:49:37 GMT\r
      Content-Type: text/plain; charset=utf-8\r
      Content-Length: 3\r
      Cache-Control: no-store\r
      Connection: close\r
      \r

      """
    #expect(text(response) == head + "ok\n")
    #expect(text(response, toHead: true) == head)
  }

  @Test func `a method that is not allowed is told those that are`() {
    #expect(text(HTTPResponse(.methodNotAllowed)).contains("\r\nAllow: GET, HEAD\r\n"))
    #expect(text(HTTPResponse(.methodNotAllowed)).hasPrefix("HTTP/1.1 405 "))
    #expect(!text(HTTPResponse(.notFound)).contains("Allow:"))
  }

  @Test(arguments: [
    (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (-5, "Thu, 01 Jan 1970 00:00:00 GMT"),
    (951_782_399, "Mon, 28 Feb 2000 23:59:59 GMT"), (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
    (951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT"),
    (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
    (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
    (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 GMT"),
  ])
  func `a date is that of the calendar`(seconds: Int64, text: String) {
    #expect(HTTPDate.text(seconds) == text)
  }
}
