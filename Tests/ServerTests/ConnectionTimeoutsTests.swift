import Testing

@testable import Server

@Suite struct ConnectionTimeoutsTests {
  private let second: UInt64 = 1_000_000_000
  private let quiet = ConnectionTimeouts.Activity(
    lastActivity: 0, frameBegan: nil, lastProgress: nil, hasSleepingRequests: false)

  private func timeouts(idle: Int = 0) -> ConnectionTimeouts {
    var configuration = Configuration()
    configuration.idleTimeoutSeconds = idle
    return ConnectionTimeouts(configuration)
  }

  @Test func `a quiet connection may stay unless there is an idle timeout`() {
    #expect(timeouts().expired(quiet, at: .max) == nil)
    #expect(timeouts(idle: 5).expired(quiet, at: 5 * second - 1) == nil)
    #expect(timeouts(idle: 5).expired(quiet, at: 5 * second) == .idle)
  }

  @Test func `a connection with a sleeping request is not idle`() {
    var activity = quiet
    activity.hasSleepingRequests = true
    #expect(timeouts(idle: 5).expired(activity, at: .max) == nil)
  }

  @Test func `half a frame has its own time, however busy the rest is`() {
    var activity = quiet
    activity.lastActivity = 12 * second
    activity.frameBegan = 3 * second
    activity.hasSleepingRequests = true
    #expect(timeouts().expired(activity, at: 13 * second - 1) == nil)
    #expect(timeouts().expired(activity, at: 13 * second) == .partialFrame)
  }

  @Test func `unsent answers give a minute from the last progress`() {
    var activity = quiet
    activity.lastProgress = second
    activity.frameBegan = 0
    #expect(timeouts(idle: 5).expired(activity, at: 61 * second - 1) == nil)
    #expect(timeouts(idle: 5).expired(activity, at: 61 * second) == .stuck)
  }

  @Test func `a clock that was read earlier is not a long silence`() {
    var activity = quiet
    activity.frameBegan = 10 * second
    #expect(timeouts().expired(activity, at: 9 * second) == nil)
  }
}
