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
  /// Does what the core asks for; most events ask for nothing.
  @inline(__always)
  func performActions() {
    if !core.actions.isEmpty { performAll() }
  }

  @inline(never)
  private func performAll() {
    while !core.actions.isEmpty { perform(core.actions.removeFirst()) }
  }

  private func perform(_ action: ServerAction) {
    switch action {
    case .pause(let place): connections[place]?.pauseReading()
    case .resume(let place): connections[place]?.resumeReading()
    case .setLimits(let place, let limits):
      connections[place]?.writeLimits = StreamConnection.WriteLimits(limits)
    case .leave(let departure): leave(departure)
    case .hastenLingering(let time):
      for connection in connections.allLingering where connection.pendingBytes == 0 {
        connection.closeGracefully(within: time)
      }
    case .wakeForAnswers(let time): answerTimer?.schedule(at: EventLoop.Instant(nanoseconds: time))
    case .answerNextTurn: loop.nextTick { [unowned self] in answerDue() }
    case .sweep(let time): sweepTimer?.schedule(after: .nanoseconds(time))
    case .reportRejections(let time): rejectionTimer?.schedule(after: .nanoseconds(time))
    case .handOver(let time, let signal):
      handOver(until: EventLoop.Instant(nanoseconds: time), signal)
    case .endDrain(let time): endDrain(at: EventLoop.Instant(nanoseconds: time))
    case .callNextTurn:
      loop.nextTick { [unowned self] in
        core.nextTurnBegan()
        performActions()
      }
    case .answerThenAbandon:
      answerDue()
      // What was answered leaves before anything is closed.
      loop.nextTick { [unowned self] in
        core.abandonDrain(at: loop.now.nanoseconds)
        performActions()
      }
    case .log(let level, let event):
      output.record(level, event.name) { event.addFields(to: &$0) }
    case .report(let level, let message): output.diagnostics.report(level, message)
    case .notify(let message): output.notifier.send(message)
    case .stopListening: listeners.close()
    case .stop: loop.end()
    case .exit(let code):
      // The socket's file goes with it.
      listeners.close()
      output.flush()
      exit(code)
    }
  }

  private func handOver(until time: EventLoop.Instant, _ signal: String) {
    listeners.leaveToOthers()
    let timer = LoopTimer.unscheduled(on: loop) { [unowned self] _ in
      core.handOverIsOver(signal: signal, at: loop.now.nanoseconds) { [connections] place in
        connections[place]?.pendingBytes ?? 0
      }
      performActions()
    }
    timer.schedule(at: time)
  }

  private func endDrain(at time: EventLoop.Instant) {
    let timer = LoopTimer.unscheduled(on: loop) { [unowned self] _ in
      core.drainTimeIsUp()
      performActions()
    }
    timer.schedule(at: time)
  }

  /// Logs that a client has left, and ends its connection.
  private func leave(_ departure: Departure) {
    guard let connection = connections.remove(at: departure.place, number: departure.number)
    else { return }
    output.record(.info, Departure.name) { departure.addFields(to: &$0, connection.traffic) }
    switch departure.ending {
    case .gracefully(let time): connection.closeGracefully(within: time)
    case .onceSent(let time): connection.closeOnceSent(within: time)
    case .atOnce: connection.close()
    case .done: return
    }
    // Most are closed by that already.
    if !connection.isClosing { connections.linger(connection, number: departure.number) }
  }
}
