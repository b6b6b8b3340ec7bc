import TestTaskProgramBasics

/// The log of what happened: on the screen, and a copy in a file.
struct SessionLog {
  let isJSON: Bool
  var isOnScreen = true
  /// The copy; nil when there is none.
  private(set) var file: LogCopy?
  private var screenFormatter: EventFormatter
  private var fileFormatter: EventFormatter

  init(isJSON: Bool, isColoured: Bool, stamp: EventFormatter.Stamp, isVerbose: Bool) {
    self.isJSON = isJSON
    fileFormatter = EventFormatter(isJSON: isJSON, stamp: stamp, isVerbose: isVerbose)
    screenFormatter = fileFormatter
    screenFormatter.isColoured = isColoured
  }

  /// The settings as commands that bring them about.
  var settings: [String] {
    let path = file.map { CommandParser.quoted($0.path) }
    return ["log \(isOnScreen ? "on" : "off")", "log file \(path ?? "-")"]
  }

  /// Copies the log to the file at `path` from now on, nil for none; without it nothing changes.
  mutating func copy(to path: String?) throws(CommandError) {
    let new = try path.map { path throws(CommandError) in try LogCopy(path: path) }
    close()
    file = new
  }

  /// Ends the copy.
  mutating func close() {
    file?.close()
    file = nil
  }

  /// Takes one event: returns its line for the screen, and what went wrong with the file.
  mutating func record(_ event: SessionEvent) -> (line: String?, complaint: String?) {
    let time = WallClock.nanoseconds
    let copy = file == nil ? nil : fileFormatter.line(for: event, at: time)
    let complaint = copy.flatMap { file?.write($0) }
    return (isOnScreen ? screenFormatter.line(for: event, at: time) : nil, complaint)
  }
}
