package import TestTaskProgramBasics
package import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The user's side of a program: standard input, output and error, whether terminals, files or
/// pipes.
///
/// At a terminal the line being typed stays on the last row and everything else appears above it.
/// The terminal is given back whenever the program stops or ends, and left alone while it is
/// another job's. Without a terminal, lines are read as they come, and each line is written by
/// itself, at once.
package final class Console {
  /// What the user does.
  package enum Event {
    case lines([LineReader.Line])
    case interrupt
    case quit
    /// Standard input has ended, or failed for this reason.
    case endOfInput(error: String?)
    /// The queued output has been written, except for this number of lost lines.
    case outputDrained(lostLines: Int)
    /// Standard output can no longer be written to.
    case outputFailed(Descriptor.Failure)
  }

  /// Whether lines are edited here, and not by the terminal or not at all.
  package let isEditing: Bool
  private let program: String
  private let loop: EventLoop
  private let onEvent: (Event) -> Void
  private let prompt: () -> (text: String, isLive: Bool)
  private let historyFile: HistoryFile?
  private var historyNotice: String?
  private var editor: LineEditor
  private var reader = LineReader()
  private var input: StandardInput?
  private var errors = LineWriter(Descriptor.errors)
  private var lastRead = EventLoop.Instant(nanoseconds: 0)
  private lazy var keyTimer = LoopTimer.unscheduled(on: loop) { [weak self] _ in self?.keyIsLate() }
  private var hasPolledForKey = false

  private var jobControl = JobControl()
  private lazy var lookTimer = LoopTimer.unscheduled(on: loop) { [weak self] _ in self?.look() }
  private var suspension: SignalSource?

  private lazy var output: OutputQueue = OutputQueue(
    on: loop,
    onDrain: { [weak self] lostLines in
      // What was lost may have been the row.
      if lostLines > 0 { self?.display.forgetRow() }
      self?.onEvent(.outputDrained(lostLines: lostLines))
    },
    onFailure: { [weak self] failure in self?.onEvent(.outputFailed(failure)) })
  private lazy var display: PromptDisplay = PromptDisplay(on: loop, output: output) {
    [weak self] in
    self?.drawing() ?? PromptDisplay.Content()
  }

  /// A console that reads nothing before ``open()``.
  ///
  /// - Parameters:
  ///   - program: The program's name, before diagnostics and for the file of its history.
  ///   - loop: The loop to read and draw on.
  ///   - isEditing: Whether to edit lines; standard input and output must be a terminal.
  ///   - complete: What could follow the text before the cursor.
  ///   - prompt: What stands before the line, and whether that changes as time goes by.
  ///   - onEvent: Called with what the user does.
  package init(
    _ program: String, on loop: EventLoop, isEditing: Bool,
    complete: @escaping (String) -> Completion,
    prompt: @escaping () -> (text: String, isLive: Bool), onEvent: @escaping (Event) -> Void
  ) {
    (self.program, self.loop, self.isEditing) = (program, loop, isEditing)
    (self.prompt, self.onEvent) = (prompt, onEvent)
    historyFile = isEditing ? HistoryFile(program: program) : nil
    let loaded = historyFile?.load()
    historyNotice = loaded?.notice
    editor = LineEditor(history: History(loaded?.lines ?? []), complete: complete)
  }

  /// The lines typed before, as the prompt shows them: what cannot be seen is escaped.
  package var history: [String] { editor.history.lines.map(Self.shown) }

  private static func shown(_ line: String) -> String { line.map(\.drawn).joined() }

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
          self?.read(unsafe bytes.withUnsafeBytes { unsafe Array($0) })
        },
        onEnd: { [weak self] _, error in self?.end(error) }))
    guard isEditing else { return }
    TerminalGuard.install()
    try watch(SIGWINCH) { $0.refresh() }
    try watch(SIGCONT) { $0.follow(.continued) }
    suspension = try watch(SIGTSTP) { $0.follow(.suspendSignal) }
    follow(.opened)
    if let historyNotice { complain(historyNotice) }
  }

  /// Stops reading and drawing for good.
  package func close() {
    if isEditing {
      follow(.closed)
      display.close()
      historyFile?.close()
      for timer in [keyTimer, lookTimer] { timer.cancel() }
    }
    input?.close()
    input = nil
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
    display.print(line + "\n")
  }

  /// Prints one line that is not output: to standard error, or above the prompt where standard
  /// error is a terminal too.
  package func printAside(_ line: String) {
    guard !errorsGoAbovePrompt else { return print(line) }
    errors.write(line + "\n") { [program] count in
      Array("\(program): lines lost that standard error did not take: \(count)\n".utf8)
    }
  }

  /// Prints one line of diagnostics; where there is no prompt it begins with the program's name.
  package func complain(_ line: String) {
    printAside(errorsGoAbovePrompt ? line : "\(program): \(line)")
  }

  private var errorsGoAbovePrompt: Bool { isEditing && Descriptor.errors.isTerminal }

  /// Clears the screen, but for the row.
  package func clear() { if isEditing { display.clear() } }

  /// Draws the row now, or a moment later if it was drawn just before.
  package func refresh() { if isEditing, input != nil { display.refresh() } }

  private func drawing() -> PromptDisplay.Content {
    // The terminal may have passed to another job, which no signal reports.
    if input != nil { follow(.looked) }
    let (text, isLive) = prompt()
    // A terminal that does not report its size counts as 80 columns wide.
    let columns = input?.windowSize.flatMap { $0.columns > 0 ? $0.columns : nil } ?? 80
    let row = jobControl.hasTerminal ? editor.row(prompt: text, columns: columns) : nil
    return PromptDisplay.Content(row: row, columns: columns, isLive: isLive)
  }

  // MARK: Reading

  private func read(_ bytes: [UInt8]) {
    guard isEditing else { return deliver(reader.feed(bytes)) }
    let silence = lastRead.duration(to: loop.now)
    lastRead = loop.now
    perform(editor.feed(bytes, isAfterSilence: silence >= .milliseconds(20)))
    hasPolledForKey = false
    if input == nil { return }
    if let patience = editor.patience {
      keyTimer.schedule(after: patience)
    } else {
      keyTimer.unschedule()
    }
  }

  /// The remaining bytes of a key are overdue.
  ///
  /// If the process was suspended they may have arrived meanwhile, so the loop polls once more
  /// before the key is given up.
  private func keyIsLate() {
    guard hasPolledForKey else {
      hasPolledForKey = true
      return keyTimer.schedule(after: .zero)
    }
    perform(editor.giveUpWaiting())
  }

  private func perform(_ actions: [LineEditor.Action]) {
    for action in actions {
      switch action {
      case .submit(let line):
        display.print("\(prompt().text) \(Self.shown(line))\n")
        deliver([.text(line)])
      case .remember(let line): historyFile?.append(line)
      case .interrupt(let line):
        display.print("\(prompt().text) \(Self.shown(line))^C\n")
        onEvent(.interrupt)
      case .endOfInput: onEvent(.quit)
      case .suspend: follow(.suspendKey)
      case .clearScreen: clear()
      case .list(let words): display.print(words.joined(separator: "  ") + "\n")
      case .bell: display.ring()
      }
    }
    refresh()
  }

  private func end(_ error: UVError?) {
    if let last = reader.finish() { deliver([last]) }
    onEvent(.endOfInput(error: error?.message))
  }

  private func deliver(_ lines: [LineReader.Line]) {
    if !lines.isEmpty { onEvent(.lines(lines)) }
  }

  // MARK: The terminal

  private func look() { follow(.looked) }

  /// Passes an event to job control, and performs the actions that it returns.
  private func follow(_ event: JobControl.Event) {
    for action in jobControl.handle(event, isOurs: StandardInput.terminalIsOurs) {
      switch action {
      case .take:
        try? input?.setRawMode(true)
        display.show()
      case .give:
        display.hide()
        try? input?.setRawMode(false)
      case .leave: display.forgetRow()
      case .lookLater: lookTimer.schedule(after: .milliseconds(250))
      case .stop(let isWholeJob): stop(isWholeJob)
      }
    }
  }

  /// Stops this process, or the whole job after Ctrl-Z, and returns when it continues.
  ///
  /// It stops by SIGTSTP's default action, which spares a process that no shell could continue.
  private func stop(_ isWholeJob: Bool) {
    suspension?.close()
    _ = isWholeJob ? kill(0, SIGTSTP) : raise(SIGTSTP)
    suspension = try? watch(SIGTSTP) { $0.follow(.suspendSignal) }
    follow(.continued)
  }

  @discardableResult
  private func watch(
    _ signal: Int32, _ body: @escaping (Console) -> Void
  ) throws(UVError) -> SignalSource {
    try SignalSource.on(signal, on: loop) { [weak self] _ in
      if let self, input != nil { body(self) }
    }
  }
}
