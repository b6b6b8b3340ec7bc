import UVNet

/// The user's end: standard input, output and error, whatever they are.
///
/// At a terminal the line being typed stays on the last row and everything else appears above it:
/// what there is to print is collected and drawn with the row in one write, at most 30 a second.
/// Elsewhere each line is written by itself, at once.
final class Console {
  /// What the user does.
  enum Event {
    case lines([ScriptLine])
    case interrupt
    case suspend
    case quit
    case endOfInput(UVError?)
    /// All that waited to be written is, after so many lines were lost.
    case outputDrained(lostLines: Int)
    /// Standard output is of no use any more.
    case outputFailed(Descriptor.Failure)
  }

  /// Whether lines are edited here, and not by the terminal or not at all.
  let isEditing: Bool
  private let loop: EventLoop
  private let onEvent: (Event) -> Void
  private let prompt: () -> (text: String, isLive: Bool)
  private let historyFile: HistoryFile?
  private var editor: LineEditor
  private var reader = LineReader()
  private var linesRead = 0
  private var input: StandardInput?

  private lazy var output: OutputQueue = OutputQueue(
    on: loop,
    onDrain: { [weak self] in
      guard let self else { return }
      self.onEvent(.outputDrained(lostLines: self.output.takeLostLines()))
    },
    onFailure: { [weak self] failure in self?.onEvent(.outputFailed(failure)) })

  private static let redrawInterval: Duration = .milliseconds(34)
  private lazy var redrawTimer = LoopTimer.unscheduled(on: loop) { [weak self] _ in self?.redraw() }
  private var lastRedraw = EventLoop.Instant(nanoseconds: 0)
  private var pending = ""
  private var bottomRow = BottomRow()

  init(
    on loop: EventLoop, isEditing: Bool, addresses: @escaping () -> [String],
    prompt: @escaping () -> (text: String, isLive: Bool), onEvent: @escaping (Event) -> Void
  ) {
    self.loop = loop
    self.isEditing = isEditing
    self.prompt = prompt
    self.onEvent = onEvent
    historyFile = isEditing ? HistoryFile.standard() : nil
    editor = LineEditor(history: History(historyFile?.load() ?? [])) {
      CommandParser.completions(of: $0, addresses: addresses())
    }
  }

  /// The lines typed before.
  var history: [String] { editor.history.lines }

  /// Whether commands should wait for the reader of the output.
  var isFull: Bool { output.isFull }

  /// Whether nothing waits to be written.
  var isDrained: Bool { output.isEmpty }

  /// Begins to read standard input.
  func open() throws(UVError) {
    input = try StandardInput.open(
      on: loop,
      StandardInput.Handlers(
        onData: { [weak self] _, bytes in
          self?.read(bytes.withUnsafeBytes { Array($0) })
        },
        onEnd: { [weak self] _, error in self?.end(error) }))
    resume()
  }

  /// Stops reading while many lines wait.
  func setReading(_ enabled: Bool) {
    guard enabled else { return input?.pause() ?? () }
    try? input?.resume()
  }

  // MARK: Printing

  /// Prints one line of the log or of an answer to a command.
  func print(_ line: String) {
    guard isEditing else { return output.write(line + "\n") }
    pending += line + "\n"
    refresh()
  }

  /// Prints one line of diagnostics: to standard error, and with the rest where that is the same
  /// terminal.
  func complain(_ line: String) {
    if isEditing, Descriptor.errors.isTerminal { return print(line) }
    try? Descriptor.errors.write("testtask-client: \(line)\n")
  }

  func clear() {
    guard isEditing else { return }
    bottomRow.forget()
    pending = "\u{1b}[H\u{1b}[2J"
    refresh()
  }

  /// Has the row drawn soon: at once, unless that was done a moment ago.
  func refresh() {
    guard isEditing, input != nil else { return }
    let earliest = lastRedraw.advanced(by: Self.redrawInterval)
    if earliest <= loop.now { redraw() } else { redrawTimer.schedule(at: earliest) }
  }

  private func redraw() {
    guard isEditing, input != nil else { return }
    let prompt = prompt()
    let row = editor.row(prompt: prompt.text, columns: columns)
    if prompt.isLive { redrawTimer.schedule(after: .milliseconds(200)) }
    guard let drawing = bottomRow.draw(row, below: pending, columns: columns) else { return }
    (pending, lastRedraw) = ("", loop.now)
    output.write(drawing)
  }

  /// A window that knows no size counts as 80 columns wide.
  private var columns: Int {
    input?.windowSize.flatMap { $0.columns > 0 ? $0.columns : nil } ?? 80
  }

  // MARK: Reading

  private func read(_ bytes: [UInt8]) {
    guard isEditing else { return deliver(reader.feed(bytes)) }
    for action in editor.feed(bytes) {
      switch action {
      case .submit(let line):
        pending += "\(prompt().text) \(line)\n"
        onEvent(.lines([ScriptLine(text: line)]))
      case .remember(let line): historyFile?.append(line)
      case .interrupt(let line):
        pending += "\(prompt().text) \(line)^C\n"
        onEvent(.interrupt)
      case .endOfInput: onEvent(.quit)
      case .suspend: onEvent(.suspend)
      case .clearScreen: clear()
      case .list(let words): pending += words.joined(separator: "  ") + "\n"
      case .bell: pending += "\u{7}"
      }
    }
    refresh()
  }

  private func end(_ error: UVError?) {
    if let last = reader.finish() { deliver([last]) }
    onEvent(.endOfInput(error))
  }

  private func deliver(_ lines: [LineReader.Line]) {
    guard !lines.isEmpty else { return }
    onEvent(
      .lines(
        lines.map { line in
          linesRead += 1
          return ScriptLine(line, source: "stdin:\(linesRead)")
        }))
  }

  // MARK: The terminal

  /// Takes the terminal, with raw mode and bracketed paste; again after the process was stopped.
  func resume() {
    guard isEditing, let input else { return }
    try? input.setRawMode(true)
    bottomRow.forget()
    output.write("\r\u{1b}[J\u{1b}[?2004h")
    refresh()
  }

  /// Gives the terminal back as it was, without the row.
  func suspend() {
    guard isEditing, let input else { return }
    output.write(bottomRow.erase(columns: columns) + pending + "\u{1b}[?2004l")
    pending = ""
    try? input.setRawMode(false)
  }

  /// Stops reading and drawing for good.
  func close() {
    suspend()
    input?.close()
    input = nil
    redrawTimer.cancel()
  }
}
