import UVNet

/// What a terminal shows while lines are edited: the prompt's row, and above it what is printed.
///
/// Printed lines are collected and drawn with the row in one write, at most 30 times a second.
final class PromptDisplay {
  /// What to draw at one moment.
  struct Content {
    /// nil while another job has the terminal: lines are then printed without a row.
    var row: LineEditor.Row?
    /// The window's width.
    var columns = 80
    /// Whether the row changes as time goes by.
    var isLive = false
  }

  private static let redrawInterval: Duration = .milliseconds(34)
  private let loop: EventLoop
  private let output: OutputQueue
  private let content: () -> Content
  private lazy var timer = LoopTimer.unscheduled(on: loop) { [weak self] _ in self?.redraw() }
  private var lastRedraw = EventLoop.Instant(nanoseconds: 0)
  private var pending = ""
  private var bellIsDue = false
  private var bottomRow = BottomRow()
  private var lastColumns = 80
  private var isClosed = false

  /// A display that asks `content` what to draw each time it draws.
  init(on loop: EventLoop, output: OutputQueue, content: @escaping () -> Content) {
    (self.loop, self.output, self.content) = (loop, output, content)
  }

  /// Prints whole lines above the row.
  func print(_ lines: String) {
    guard !isClosed else { return output.write(lines) }
    pending += lines
    refresh()
  }

  /// Rings the bell with the next drawing, once however often this is called.
  func ring() {
    bellIsDue = true
    refresh()
  }

  /// Clears the screen, but for the row.
  func clear() {
    bottomRow.forget()
    pending = "\u{1b}[H\u{1b}[2J"
    refresh()
  }

  /// Draws now, or as soon as ``redrawInterval`` has passed since the last drawing.
  func refresh() {
    guard !isClosed else { return }
    let earliest = lastRedraw.advanced(by: Self.redrawInterval)
    if earliest <= loop.now { redraw() } else { timer.schedule(at: earliest) }
  }

  /// Turns bracketed paste on and draws anew; called when this program has taken the terminal.
  func show() {
    bottomRow.forget()
    output.write("\r\u{1b}[J\u{1b}[?2004h")
    timer.schedule(after: .zero)
  }

  /// Erases the row and turns bracketed paste off; called before this program gives the terminal
  /// back.
  func hide() {
    output.write(bottomRow.erase(columns: lastColumns) + pending + "\u{1b}[?2004l")
    (pending, bellIsDue) = ("", false)
  }

  /// Notes that the row no longer shows our prompt.
  func forgetRow() { bottomRow.forget() }

  /// Stops drawing; collected lines are still written.
  func close() {
    if !pending.isEmpty { output.write(pending) }
    pending = ""
    isClosed = true
    timer.cancel()
  }

  private func redraw() {
    guard !isClosed else { return }
    let content = content()
    lastColumns = content.columns
    if content.isLive { timer.schedule(after: .milliseconds(200)) }
    guard let row = content.row else {
      if !pending.isEmpty { output.write(pending) }
      return (pending, bellIsDue) = ("", false)
    }
    let lines = bellIsDue ? pending + "\u{7}" : pending
    guard let drawing = bottomRow.draw(row, below: lines, columns: content.columns) else { return }
    (pending, bellIsDue, lastRedraw) = ("", false, loop.now)
    output.write(drawing)
  }
}
