import Testing
import UVNetTestKit

@testable import TestTaskTerminalSupport

@Suite struct JobControlTests {
  @Test func `in the foreground the terminal is taken, and given back before the end`() {
    var control = JobControl()
    #expect(control.handle(.opened, isOurs: true) == [.take])
    #expect(control.handle(.looked, isOurs: true) == [])
    #expect(control.handle(.closed, isOurs: true) == [.give])
    #expect(control.handle(.looked, isOurs: true) == [])
  }

  @Test func `in the background it is left alone until it is ours`() {
    var control = JobControl()
    #expect(control.handle(.opened, isOurs: false) == [.lookLater])
    #expect(control.handle(.looked, isOurs: false) == [.lookLater])
    #expect(control.handle(.looked, isOurs: true) == [.take])
    #expect(control.handle(.looked, isOurs: false) == [.leave, .lookLater])
    #expect(control.handle(.closed, isOurs: false) == [])
  }

  @Test func `it is given back before the job stops, and taken when the job goes on`() {
    var control = JobControl()
    _ = control.handle(.opened, isOurs: true)
    #expect(control.handle(.suspendKey, isOurs: true) == [.give, .stop(isWholeJob: true)])
    // Continued in the background, then brought to the foreground.
    #expect(control.handle(.continued, isOurs: false) == [.lookLater])
    #expect(control.handle(.continued, isOurs: true) == [.take])
    // Stopped by a signal that cannot be caught: the shell has set the terminal meanwhile.
    #expect(control.handle(.continued, isOurs: true) == [.take])
    #expect(control.handle(.suspendSignal, isOurs: false) == [.leave, .stop(isWholeJob: false)])
  }

  @Test func `in every order of events no other job's terminal is set, and ours is given back`()
    throws
  {
    let space = try Self.explore()
    print("job control: \(space)")
    #expect(space.states > 15 && space.transitions > 60, "\(space)")
  }

  @Test(arguments: JobControlMutation.allCases)
  func `job control with a fault in it is found out`(_ mutation: JobControlMutation) {
    #expect(throws: StateSpace.Violation.self) { try Self.explore(mutation) }
  }

  private static func explore(_ mutation: JobControlMutation? = nil) throws -> StateSpace {
    try StateSpace.explore(
      from: TerminalWorld(mutation: mutation), limit: 10_000, events: { $0.possible }, key: { $0 }
    ) { world, event in try world.happen(event) }
  }
}

/// A mistake that a program could make with its terminal.
enum JobControlMutation: CaseIterable {
  /// It does not ask whose the terminal is.
  case asksNobody
  /// It stops, and gives the terminal back afterwards.
  case stopsFirst
  /// Nothing looks whether the terminal is ours again.
  case looksOnce
  /// What is held when the program ends stays as it is.
  case endsWithoutGivingBack
}

/// A terminal, its shell and one job.
private struct TerminalWorld: Hashable {
  enum Event: Hashable, CaseIterable {
    case start, key, signal, uncatchableStop, draw, timer, end
    /// The shell takes the terminal, or lets the job have it; it always continues a stopped job.
    case toShell, toJob, background
  }

  struct Broken: Error { let what: String }

  let mutation: JobControlMutation?
  private var control = JobControl()
  private var isOurs = true
  private var isRaw = false
  private var isStopped = false
  private var hasBegun = false
  private var hasEnded = false
  private var willLook = false

  init(mutation: JobControlMutation?) { self.mutation = mutation }

  var possible: [Event] {
    Event.allCases.filter { event in
      switch event {
      case .toShell: isOurs
      case .toJob: !isOurs || isStopped
      case .background: isStopped
      case .start: !hasBegun && !isStopped
      case .key: hasBegun && !hasEnded && !isStopped && isOurs && control.hasTerminal
      case .timer: willLook && !isStopped && !hasEnded
      case .signal, .uncatchableStop, .draw, .end: hasBegun && !hasEnded && !isStopped
      }
    }
  }

  mutating func happen(_ event: Event) throws {
    switch event {
    case .toShell: (isOurs, isRaw) = (false, false)
    case .toJob:
      isOurs = true
      try goOn()
    case .background: try goOn()
    case .uncatchableStop: (isStopped, isOurs, isRaw) = (true, false, false)
    case .start:
      hasBegun = true
      try tell(.opened)
    case .key: try tell(.suspendKey)
    case .signal: try tell(.suspendSignal)
    case .draw: try tell(.looked)
    case .timer:
      willLook = false
      try tell(.looked)
    case .end:
      if mutation != .endsWithoutGivingBack { try tell(.closed) }
      hasEnded = true
      if isOurs, isRaw { throw Broken(what: "the shell gets a raw terminal") }
    }
    guard hasBegun, !hasEnded, !isStopped else { return }
    if control.hasTerminal, isOurs, !isRaw, event == .toJob {
      // Set by the shell meanwhile; the next event that is told must mend it. Nothing is, for one
      // that was not stopped: it would have to be looked at.
      return
    }
    if !control.hasTerminal, !willLook {
      throw Broken(what: "nothing will tell that the terminal is ours again")
    }
  }

  private mutating func goOn() throws {
    guard isStopped else { return }
    isStopped = false
    if hasBegun, !hasEnded { try tell(.continued) }
  }

  private mutating func tell(_ event: JobControl.Event) throws {
    var actions = control.handle(event, isOurs: mutation == .asksNobody || isOurs)
    if mutation == .stopsFirst { actions.reverse() }
    for action in actions {
      switch action {
      case .take, .give:
        guard isOurs, !isStopped else { throw Broken(what: "stopped by SIGTTOU") }
        isRaw = action == .take
      case .leave: break
      case .lookLater: willLook = mutation != .looksOnce
      case .stop:
        isStopped = true
        if isOurs, isRaw { throw Broken(what: "stopped with a raw terminal") }
        (isOurs, isRaw) = (false, false)
      }
    }
  }
}
