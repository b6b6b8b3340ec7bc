/// How a line of the connection log is written.
enum LogFormat: String, CaseIterable, Sendable {
  case logfmt
  case json
}
