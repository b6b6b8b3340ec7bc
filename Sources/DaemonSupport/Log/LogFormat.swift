/// How a line of the log is written.
package enum LogFormat: String, CaseIterable, Sendable {
  case logfmt
  case json
}
