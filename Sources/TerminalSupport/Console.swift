package import TestTaskProgramBasics
package import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The user's end of a program: standard input, output and error, whatever they are.
///
/// At a terminal the line being typed stays on the last row and everything else appears above it:
/// what there is to print is collected and drawn with the row in one write, at most 30 a second.
/// The terminal is given back whenever the program stops or ends. Elsewhere lines are read as they
/// come, and each line is written by itself, at once.
package final class Console {
  /// What the user does.
  package enum Event {
    case lines([LineReader.Line])
    case interrupt
    case quit
    case endOfInput(UVError?)
    /// All that waited to be written is, after so many lines were lost.
    case outputDrained(lostLines: Int)
    /// Standard output is of no use any more.
    case outputFailed(Descriptor.Failure)
  }

  /// Whether lines are edited here, and not by the terminal or not at all.
  package let isEditing: Bool
  private let program: String
  private let loop: EventLoop
  private let onEvent: (Event) -> Void
  private let prompt: () -> (text: String, isLive: Bool)
  private let historyFile: HistoryFile?
  private var editor: LineEditor
  private var reader = LineReader()
  private var input: StandardInput?

  private lazy var output: OutputQueue = OutputQueue(
    on: loop,
    onDrain: { [weak self] lostLines in
      // What was lost may have been the row.
      if lostLines > 0 { self?.bottomRow.forget() }
      self?.onEvent(.outputDrained(lostLines: lostLines))
    },
    onFailure: { [weak self] failure in self?.onEvent(.outputFailed(failure)) })

  private static let redrawInterval: Duration = .milliseconds(34)
  private lazy var redrawTimer = LoopTimer.unscheduled(on: loop) { [weak self] _ in self?.redraw() }
  private var lastRedraw = EventLoop.Instant(nanoseconds: 0)
  private var pending = ""
  private var bottomRow = BottomRow()
  private var suspension: SignalSource?

  /// A console that reads nothing before ``open()``.
  ///
  /// - Parameters:
  ///   - program: The program's name, before diagnostics and for the file of its history.
  ///   - loop: The loop to read and draw on.
  ///   - isEditing: Whether to edit lines; standard input and output must be a terminal.
  ///   - complete: What could follow the text before the cursor.
  ///   - prompt: What stands before the line, and whether that changes as time goes by.
  ///   - onEvent: Hears what the user does.
  package init(
    _ program: String, on loop: EventLoop, isEditing: Bool,
    complete: @escaping (String) -> Completion,
    prompt: @escaping () -> (text: String, isLive: Bool), onEvent: @escaping (Event) -> Void
  ) {
    (self.program, self.loop, self.isEditing) = (program, loop, isEditing)
    (self.prompt, self.onEvent) = (prompt, onEvent)
    historyFile = isEditing ? HistoryFile(program: program) : nil
    editor = LineEditor(history: History(historyFile?.load() ?? []), complete: complete)
  }

  /// The lines typed before.
  package var history: [String] { editor.history.lines }

  /// Whether commands should wait for the reader of the output.
  package var isFull: Bool { output.isFull }

  /// Whether nothing waits to be written.
  package var isDrained: Bool { output.isEmpty }

  /// Begins to read standard input, and takes the terminal.
  package func open() throws(UVError) {
    input = try StandardInput.open(
      on: loop,
      StandardInput.Handlers(
        onData: { [weak self] _, bytes in
          self?.read(bytes.withUnsafeBytes { Array($0) })
        },
        onEnd: { [weak self] _, error in self?.end(error) }))
    guard isEditing else { return }
    TerminalGuard.install()
    try watch(SIGWINCH) { $0.refresh() }
    try watch(SIGCONT) { $0.takeTerminal() }
    suspension = try watch(SIGTSTP) { $0.suspend() }
    takeTerminal()
  }

  /// Stops reading and drawing for good.
  package func close() {
    giveTerminal()
    input?.close()
    input = nil
    redrawTimer.cancel()
  }

  /// Stops reading while many lines wait.
  package func setReading(_ enabled: Bool) {
    guard enabled else { return input?.pause() ?? () }
    try? input?.resume()
  }

  // MARK: Printing

  /// Prints one line of output.
  package func print(_ line: String) {
    guard isEditing else { return output.write(line + "\n") }
    pending += line + "\n"
    refresh()
  }

  /// Prints one line beside the output: to standard error, and with the rest where that is the same
  /// terminal.
  package func printAside(_ line: String) {
    if errorsGoAbovePrompt { print(line) } else { try? Descriptor.errors.write(line + "\n") }
  }

  /// Prints one line of diagnostics; away from the prompt it says whose.
  package func complain(_ line: String) {
    printAside(errorsGoAbovePrompt ? line : "\(program): \(line)")
  }

  private var errorsGoAbovePrompt: Bool { isEditing && Descriptor.errors.isTerminal }

  /// Clears the screen, but for the row.
  package func clear() {
    guard isEditing else { return }
    bottomRow.forget()
    pending = "\u{1b}[H\u{1b}[2J"
    refresh()
  }

  /// Has the row drawn soon: at once, unless that was done a moment ago.
  package func refresh() {
    guard isEditing, input != nil else { return }
    let earliest = lastRedraw.advanced(by: Self.redrawInterval)
    if earliest <= loop.now { redraw() } else { redrawTimer.schedule(at: earliest) }
  }

  private func redraw() {
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
        deliver([.text(line)])
      case .remember(let line): historyFile?.append(line)
      case .interrupt(let line):
        pending += "\(prompt().text) \(line)^C\n"
        onEvent(.interrupt)
      case .endOfInput: onEvent(.quit)
      // The whole job stops, as the terminal would have it; this process by its own handler.
      case .suspend: kill(0, SIGTSTP)
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
    if !lines.isEmpty { onEvent(.lines(lines)) }
  }

  // MARK: The terminal

  /// Takes the terminal, with raw mode and bracketed paste; again after the process was stopped.
  private func takeTerminal() {
    guard isEditing, let input else { return }
    try? input.setRawMode(true)
    bottomRow.forget()
    output.write("\r\u{1b}[J\u{1b}[?2004h")
    refresh()
  }

  /// Gives the terminal back as it was, without the row.
  private func giveTerminal() {
    guard isEditing, let input else { return }
    output.write(bottomRow.erase(columns: columns) + pending + "\u{1b}[?2004l")
    pending = ""
    try? input.setRawMode(false)
  }

  /// Stops the process as the signal would have, and goes on when it is continued.
  ///
  /// The default action is right: it spares a process that nobody could wake again.
  private func suspend() {
    giveTerminal()
    suspension?.close()
    raise(SIGTSTP)
    suspension = try? watch(SIGTSTP) { $0.suspend() }
    takeTerminal()
  }

  @discardableResult
  private func watch(
    _ signal: Int32, _ body: @escaping (Console) -> Void
  ) throws(UVError) -> SignalSource {
    try SignalSource.on(signal, on: loop) { [weak self] _ in
      if let self { body(self) }
    }
  }
}
