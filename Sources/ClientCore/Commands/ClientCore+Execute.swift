/// What each command does.
extension ClientCore {
  mutating func execute(_ command: Command, at now: Moment) throws(CommandError) -> [Action] {
    switch command {
    case .connect(let target): return actions(for: try session.connect(to: target, at: now))
    case .disconnect: return actions(for: session.disconnect(at: now))
    case .request(let kind): return actions(for: try session.send(kind, at: now))
    case .every(let interval, let kind):
      return actions(for: session.startPeriodic(kind, every: interval, at: now))
    case .stop: session.stopPeriodic()
    case .reconnect(let delay): session.setReconnectDelay(delay)
    case .timeout(let limit): session.setAnswerTimeout(limit)
    case .resetStats: session.statistics = Statistics()
    case .screenLog(let isOn): log.isOnScreen = isOn
    case .logFile(let path): return [.openCopy(path: path)]
    case .showEvery: return output(of: [session.periodic?.command ?? "the periodic mode is off"])
    case .status: return output(of: session.status(at: now))
    case .stats: return output(of: session.statistics.lines)
    case .set: return output(of: session.settings + log.settings)
    case .help(let name): return output(of: try CommandParser.help(name))
    case .history: return [.showHistory]
    case .clear: return [.clearScreen]
    // The runner executes these itself.
    case .wait, .sleep, .quit: break
    }
    return []
  }
}
