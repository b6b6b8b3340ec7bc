import Testing

@testable import TestTaskServerCore

@Suite struct ConnectionTimeoutsTests {
  private typealias Observation = ConnectionActivity.Observation
  private let second: UInt64 = 1_000_000_000

  private func timeouts(idle: Int = 0, partialFrame: Int = 10) -> ConnectionTimeouts {
    var configuration = Configuration()
    configuration.idleTimeoutSeconds = idle
    configuration.partialFrameTimeoutSeconds = partialFrame
    return ConnectionTimeouts(configuration)
  }

  @Test func `a quiet connection may stay unless there is an idle timeout`() {
    let activity = ConnectionActivity(at: 0)
    #expect(timeouts().expired(activity, at: .max) == nil)
    #expect(timeouts(idle: 5).expired(activity, at: 5 * second - 1) == nil)
    #expect(timeouts(idle: 5).expired(activity, at: 5 * second) == .idle)
  }

  @Test func `bytes in either direction put idleness off, a sleeping request excludes it`() {
    var activity = ConnectionActivity(at: 0)
    activity.observe(Observation(bytesRead: 3), at: second)
    activity.observe(Observation(bytesRead: 3, bytesWritten: 24), at: 2 * second)
    activity.observe(Observation(bytesRead: 3, bytesWritten: 24), at: 6 * second)
    #expect(timeouts(idle: 5).expired(activity, at: 7 * second - 1) == nil)
    #expect(timeouts(idle: 5).expired(activity, at: 7 * second) == .idle)
    let asleep = Observation(bytesRead: 8, bytesWritten: 24, sleepingRequests: 1)
    activity.observe(asleep, at: 7 * second)
    #expect(timeouts(idle: 5).expired(activity, at: .max) == nil)
  }

  @Test func `half a frame has its own time, however many bytes trickle in`() {
    var activity = ConnectionActivity(at: 0)
    for step in 3...12 as ClosedRange<UInt64> {
      activity.observe(Observation(bytesRead: step, frameOffset: 0), at: step * second)
    }
    #expect(timeouts().expired(activity, at: 13 * second - 1) == nil)
    #expect(timeouts().expired(activity, at: 13 * second) == .partialFrame)
    activity.observe(Observation(bytesRead: 20, frameOffset: 13), at: 13 * second)
    #expect(timeouts().expired(activity, at: 22 * second) == nil)
    activity.observe(Observation(bytesRead: 21), at: 22 * second)
    #expect(timeouts().expired(activity, at: .max) == nil)
  }

  @Test func `unsent answers give a minute from the last progress`() {
    var activity = ConnectionActivity(at: 0)
    activity.observe(Observation(bytesWritten: 100, unsent: 50, frameOffset: 0), at: second)
    activity.observe(Observation(bytesWritten: 110, unsent: 40, frameOffset: 0), at: 9 * second)
    activity.observe(Observation(bytesWritten: 110, unsent: 90, frameOffset: 0), at: 20 * second)
    #expect(timeouts(idle: 5).expired(activity, at: 69 * second - 1) == nil)
    #expect(timeouts(idle: 5).expired(activity, at: 69 * second) == .stuck)
    #expect(activity.takesNothing(at: 20 * second))
    activity.observe(Observation(bytesWritten: 200), at: 69 * second)
    #expect(timeouts().expired(activity, at: 70 * second) == nil)
    #expect(!activity.takesNothing(at: 70 * second))
  }

  @Test func `a clock that was read earlier is not a long silence`() {
    var activity = ConnectionActivity(at: 10 * second)
    activity.observe(Observation(frameOffset: 0), at: 10 * second)
    #expect(timeouts().expired(activity, at: 9 * second) == nil)
  }

  @Test func `connections are looked at as often as the shortest patience asks`() {
    #expect(timeouts().sweepInterval == second / 2)
    #expect(timeouts(partialFrame: 4).sweepInterval == second / 5)
    #expect(timeouts(partialFrame: 1).sweepInterval == second / 10)
    #expect(timeouts(idle: 4).sweepInterval == second / 5)
  }
}
