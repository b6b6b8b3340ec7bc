import TestTaskProgramBasics
import TestTaskDaemonSupport
import UVNet

extension Server {
  /// Looks at every client now and then, so that no client costs a timer or a look at the clock.
  func sweep() {
    let now = loop.now.nanoseconds
    for case let session? in sessions {
      let sleepingRequests = sleeping.sleeping(of: session.owner)
      session.activity.observe(session.observation(sleepingRequests: sleepingRequests), at: now)
      countHeldBytes(of: session)
      if let reason = timeouts.expired(session.activity, at: now), endSignal == nil {
        leave(session, reason, .atOnce)
      } else if memory.total > configuration.totalWriteBufferBytes,
        session.activity.takesNothing(at: now)
      {
        leave(session, .buffer, .atOnce)
      }
    }
    if clientCount > 0 { scheduleSweep() }
  }

  func scheduleSweep() {
    guard let sweepTimer, !sweepTimer.isScheduled else { return }
    sweepTimer.schedule(after: .nanoseconds(timeouts.sweepInterval))
  }

  /// Counts a connection that is turned away; the log hears of them once a second at most.
  func countRejection() {
    rejectedCount += 1
    if rejectionTimer?.isScheduled == false { reportRejections() }
  }

  func reportRejections() {
    guard rejectedCount > 0 else { return }
    record(.warning, "rejected") { $0.add("count", rejectedCount) }
    rejectedCount = 0
    rejectionTimer?.schedule(after: .seconds(1))
  }

  /// A machine out of descriptors fails again and again; the log hears of that as seldom.
  func reportAcceptFailure(_ error: UVError) {
    guard rejectionTimer?.isScheduled == false else { return }
    record(.warning, "accept_failed") { $0.add("error", error.description) }
    rejectionTimer?.schedule(after: .seconds(1))
  }

  /// Brings the sum of what all connections hold up to date with this one.
  ///
  /// Of a client that has left nothing counts: its place may be another's.
  func countHeldBytes(of session: Session) {
    guard self.session(of: session.connection) === session else { return }
    memory.update(
      session.owner.index, holds: session.connection.pendingBytes + session.undecoded.count)
  }

  /// While all connections together hold too much, each may hold little more.
  @inline(__always)
  func setTightness(of session: Session) {
    let isTight = memory.total > tightMarkBytes
    guard isTight != session.isTight else { return }
    session.isTight = isTight
    session.connection.writeLimits = isTight ? configuration.tightWriteLimits : writeLimits
  }
}
