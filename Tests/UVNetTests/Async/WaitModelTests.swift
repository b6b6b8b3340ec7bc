import Testing
import UVNetTestKit

@testable import UVNet

/// A task's wait, and all who may end it, in every order.
private struct WaitModel {
  enum Event: String, CaseIterable {
    case begin, park, wake, cancel, cancelByNumber, cancelAnEarlierWait, end
  }

  /// What the task is doing, as the model knows it without looking at the wait.
  enum TaskState: Hashable { case running, begun, parked, resumed }

  struct Broken: Error, CustomStringConvertible { let description: String }

  var wait = Wait<Int>()
  var task = TaskState.running
  /// What ended the wait first.
  var first: WaitOutcome?
  var number: UInt64 = 0
  var earlier: UInt64?

  struct Key: Hashable {
    let task: TaskState
    let first: WaitOutcome?
    let hasEarlier: Bool
  }

  var key: Key { Key(task: task, first: first, hasEarlier: earlier != nil) }

  var events: [Event] {
    Event.allCases.filter { event in
      switch event {
      case .begin: task == .running
      case .park: task == .begun
      case .end: task == .resumed
      case .cancelByNumber: task != .running
      case .cancelAnEarlierWait: earlier != nil
      case .wake, .cancel: true
      }
    }
  }

  mutating func step(_ event: Event) throws {
    switch event {
    case .begin:
      number = wait.begin()
      first = nil
      task = .begun
    case .park:
      try resume(wait.park(7), if: first != nil)
      if task == .begun { task = .parked }
    case .wake: try finish(.woken, wait.wake())
    case .cancel: try finish(.canceled, wait.cancel())
    case .cancelByNumber: try finish(.canceled, wait.cancel(number))
    case .cancelAnEarlierWait:
      guard wait.cancel(earlier ?? 0) == nil else { throw Broken(description: "late, and heard") }
    case .end:
      guard wait.end() == first else { throw Broken(description: "not what came first") }
      earlier = number
      task = .running
      first = nil
    }
    guard wait.isBusy == (task != .running), wait.isParked == (task == .parked) else {
      throw Broken(description: "does not know what the task does")
    }
  }

  private mutating func finish(_ outcome: WaitOutcome, _ token: Int?) throws {
    guard task == .begun || task == .parked else { return try resume(token, if: false) }
    let isFirst = first == nil
    if isFirst { first = outcome }
    try resume(token, if: task == .parked && isFirst)
  }

  private mutating func resume(_ token: Int?, if expected: Bool) throws {
    guard token == (expected ? 7 : nil) else {
      throw Broken(description: expected ? "the task is not resumed" : "resumed for no reason")
    }
    if expected { task = .resumed }
  }
}

@Suite struct WaitModelTests {
  @Test func `in every order of events a task is resumed exactly once, by what came first`() throws
  {
    let space = try StateSpace.explore(
      from: WaitModel(), limit: 100, events: \.events, key: \.key
    ) { try $0.step($1) }
    #expect(space.states == 14, "\(space)")
  }
}

@Suite struct JobOrderTests {
  @Test func `deadlines come out in order, whichever are taken out before`() {
    var random = SplitMix64(seed: 7)
    for _ in 0..<200 {
      var queue = DeadlineQueue()
      var expected: [Deadline] = []
      for _ in 0..<Int.random(in: 1...40, using: &random) {
        let deadline = Deadline(at: .init(nanoseconds: .random(in: 0...20, using: &random)))
        queue.insert(deadline)
        expected.append(deadline)
      }
      for _ in 0..<expected.count / 3 {
        let taken = expected.remove(at: .random(in: 0..<expected.count, using: &random))
        queue.remove(taken)
        queue.remove(taken)
      }
      var instants: [UInt64] = []
      while let next = queue.next {
        queue.remove(next)
        instants.append(next.instant.nanoseconds)
      }
      #expect(instants == expected.map(\.instant.nanoseconds).sorted())
    }
  }

  @Test func `received bytes are read in order, in whatever pieces they come and go`() {
    var random = SplitMix64(seed: 8)
    var buffer = InputBuffer()
    var (sent, read): (UInt8, UInt8) = (0, 0)
    for _ in 0..<5000 {
      let piece = (0..<Int.random(in: 0...300, using: &random)).map { _ in
        sent &+= 1
        return sent
      }
      piece.withUnsafeBytes { buffer.append($0) }
      let count = Int.random(in: 0...buffer.count, using: &random)
      buffer.withBytes { bytes in
        for index in 0..<count {
          read &+= 1
          #expect(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self) == read)
        }
      }
      buffer.consume(count)
    }
  }
}
