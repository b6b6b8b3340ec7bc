import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

extension Server {
  @inline(never)
  func performAll() {
    while !core.actions.isEmpty { perform(core.actions.removeFirst()) }
  }

  private func perform(_ action: ServerAction) {
    switch action {
    case .readProxyHeader(let place, let patience):
      if let connection = connections[place] { readProxyHeader(of: connection, within: patience) }
    case .secure(let place): if let connection = connections[place] { secure(connection) }
    case .serve(let place, let event):
      record(.info, event)
      if let handlers { connections[place]?.start(handlers) }
    case .pause(let place): connections[place]?.pauseReading()
    case .resume(let place): connections[place]?.resumeReading()
    case .setLimits(let place, let limits):
      connections[place]?.writeLimits = StreamConnection.WriteLimits(limits)
    case .leave(let departure): leave(departure)
    case .hastenLingering(let time):
      for connection in connections.allLingering { connection.closeOnceSent(within: time) }
    case .wake(let wakeup, let time):
      timers[wakeup.rawValue].schedule(at: EventLoop.Instant(nanoseconds: time))
    case .wakeNextTurn(let wakeup): loop.nextTick { [unowned self] in wake(wakeup) }
    case .log(let level, let event): record(level, event)
    case .report(let level, let message): output.diagnostics.report(level, message)
    case .notify(let message): output.notifier.send(message)
    case .leaveToOthers: listeners.leaveToOthers()
    case .stopListening: listeners.close()
    case .stop: loop.end()
    case .exit(let code):
      // The files of sockets go with it.
      loop.end()
      output.flush()
      exit(code)
    }
  }

  /// What an action has asked for has come: a time, or the next turn.
  func wake(_ wakeup: Wakeup) {
    if wakeup.answersFirst { answerDue() }
    core.woke(wakeup, at: now, look: connections.traffic(at:))
    performActions()
  }

  private func record(_ level: LogLevel, _ event: LogEvent) {
    output.record(level, event.name) { event.addFields(to: &$0) }
  }

  /// Logs that a client has left, and ends its connection.
  private func leave(_ departure: Departure) {
    guard let connection = connections.remove(at: departure.place) else { return }
    output.record(.info, Departure.name) { departure.addFields(to: &$0, connection.traffic) }
    switch departure.ending {
    case .gracefully(let time): connection.closeGracefully(within: time)
    case .onceSent(let time): connection.closeOnceSent(within: time)
    case .atOnce: connection.close()
    case .done: return
    }
    // Most are closed by that already.
    if !connection.isClosing { connections.linger(connection) }
  }
}
