import Testing
import UVNetTestKit

@testable import TestTaskServerCore

/// Every order in which clients, what they send, signals and timers can come to the server.
@Suite struct ServerCoreModelTests {
  @Test(arguments: [false, true])
  func `in every order of events the sums are right, and each connect has one disconnect`(
    halfClose: Bool
  ) throws {
    let space = try Self.explore(halfClose: halfClose, clients: 2, pieces: 1)
    print("server core, half_close \(halfClose): \(space)")
    // Fewer would mean that something is not tried any more.
    #expect(space.states > 1_000, "\(space)")
    #expect(space.transitions > 3 * space.states, "\(space)")
    #expect(space.depth > 8, "\(space)")
  }

  @Test(arguments: [false, true])
  func `whatever one client sends in three pieces, nothing is lost or kept`(
    halfClose: Bool
  ) throws {
    let space = try Self.explore(halfClose: halfClose, clients: 1, pieces: 3)
    print("server core, one client, half_close \(halfClose): \(space)")
    #expect(space.states > 1_000, "\(space)")
  }

  @Test func `a server that hands over before its drain loses nothing either`() throws {
    let space = try Self.explore(halfClose: true, clients: 2, pieces: 1, sharesListeners: true)
    print("server core, with a hand-over: \(space)")
    #expect(space.states > 1_000, "\(space)")
  }

  @Test(arguments: ServerMutation.allCases)
  func `a server with a fault in it is found out`(_ mutation: ServerMutation) throws {
    let violation = try #require(throws: StateSpace.Violation.self) {
      try Self.explore(halfClose: true, mutation, clients: 2, pieces: 1)
    }
    #expect(violation.error is ServerWorld.Broken, "\(violation)")
  }

  private static func explore(
    halfClose: Bool, _ mutation: ServerMutation? = nil, clients: Int, pieces: Int,
    sharesListeners: Bool = false
  ) throws -> StateSpace {
    try StateSpace.explore(
      from: ServerWorld(
        halfClose: halfClose, mutation, clients: clients, pieces: pieces,
        sharesListeners: sharesListeners),
      limit: 100_000, events: \.possible, key: \.key
    ) { world, event in try world.take(event) }
  }
}

/// A mistake that the server could make.
enum ServerMutation: CaseIterable {
  /// What a client held is counted once more after it has left: the sum drifts up.
  case countsAfterLeaving
  /// What a client held stays counted when it leaves.
  case forgetsToTakeOff
  case keepsSleepers
  case forgetsLingering
  case actsBeforeItAnswers
  case dropsWaiting
  case neverResumes
  case neverEndsATurn
  case keepsWhoIsAnswered
  case waitsForEver
}
