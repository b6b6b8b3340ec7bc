import TestTaskProgramBasics

/// The log of what happened: on the screen, and a copy in a file.
package struct SessionLog {
  let isJSON: Bool
  var isOnScreen = true
  /// Where the copy is; `nil` when there is none.
  private var copyPath: String?
  /// Whether the copy loses lines, which was reported when the first one was lost.
  private var losesLines = false
  private var screenFormatter: EventFormatter
  private var copyFormatter: EventFormatter

  /// A log without a copy.
  package init(isJSON: Bool, isColoured: Bool, stamp: EventFormatter.Stamp, isVerbose: Bool) {
    self.isJSON = isJSON
    copyFormatter = EventFormatter(isJSON: isJSON, stamp: stamp, isVerbose: isVerbose)
    screenFormatter = copyFormatter
    screenFormatter.isColoured = isColoured
  }

  /// The settings as the commands that set them.
  var settings: [String] {
    let path = copyPath.map(CommandParser.quoted)
    return ["log \(isOnScreen ? "on" : "off")", "log file \(path ?? "-")"]
  }

  /// The lines for an event at a time in nanoseconds since 1970; nil for a place that gets no line.
  mutating func lines(
    for event: SessionEvent, at time: Int64
  ) -> (screen: String?, copy: String?) {
    (
      isOnScreen ? screenFormatter.line(for: event, at: time) : nil,
      copyPath == nil ? nil : copyFormatter.line(for: event, at: time)
    )
  }

  /// A copy was opened in place of an earlier one; `nil` when there is none any more.
  mutating func copyOpened(_ path: String?) { (copyPath, losesLines) = (path, false) }

  /// A line was written to the copy, or lost.
  ///
  /// - Parameters:
  ///   - isBehind: Whether lost lines are still to be counted in the copy.
  ///   - failure: Why writing failed; `nil` if the copy's reader only took nothing.
  /// - Returns: What to tell the user: that lines are lost, when the first one is.
  mutating func copyWritten(isBehind: Bool, failure: String?) -> String? {
    defer { losesLines = isBehind }
    guard isBehind, !losesLines, let copyPath else { return nil }
    let reason = failure ?? "its reader takes nothing"
    return "lines are lost, log file \(copyPath.escapedForTerminal): \(reason)"
  }

  /// The line in the copy that counts lines which could not be written to it.
  mutating func lineForLost(_ count: Int, at time: Int64) -> String {
    copyFormatter.line(forLost: count, at: time)
  }
}
