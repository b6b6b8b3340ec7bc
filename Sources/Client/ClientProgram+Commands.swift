import TestTaskTerminalSupport
import UVNet

/// What each command does.
extension ClientProgram {
  func execute(_ command: Command) throws(CommandError) {
    let now = loop.now
    switch command {
    case .connect(let address): perform(try session.connect(to: address, at: now))
    case .disconnect: perform(session.disconnect(at: now))
    case .request(let kind): perform(try session.send(kind, at: now))
    case .every(let interval, let kind): perform(session.startPeriodic(interval, kind, at: now))
    case .showEvery: say([session.periodic?.command ?? "the periodic mode is off"])
    case .stop: session.stopPeriodic()
    case .reconnect(let delay): session.setReconnectDelay(delay)
    case .timeout(let limit): session.setAnswerTimeout(limit)
    case .status: say(session.status(at: now))
    case .stats: say(session.statistics.lines)
    case .resetStats: session.statistics = Statistics()
    case .screenLog(let isOn): log.isOnScreen = isOn
    case .logFile(let path): try log.copy(to: path)
    case .set: say(session.settings + log.settings)
    case .help(let name): say(try CommandParser.help(name))
    case .history: say(console.history)
    case .clear: console.clear()
    // The runner sees to these itself.
    case .wait, .sleep, .quit: break
    }
  }

  /// Prints what a command answers: beside JSON it is no part of the output.
  private func say(_ lines: [String]) {
    for line in lines {
      if log.isJSON { console.printAside(line) } else { console.print(line) }
    }
  }
}
