import UVNet

/// Standard output: what its reader does not take at once waits here, and nothing else has to.
///
/// A program that blocked in a write would not hear of a signal, nor of its server.
final class OutputQueue {
  /// What may wait; beyond it lines are lost, and counted.
  private static let limit = 1 << 20
  private let loop: EventLoop
  private let onDrain: () -> Void
  private let onFailure: (Descriptor.Failure) -> Void
  private var bytes: [UInt8] = []
  private var hasFailed = false
  private lazy var timer = LoopTimer.unscheduled(on: loop) { [weak self] _ in
    guard let self else { return }
    self.send()
    if self.bytes.isEmpty { self.onDrain() }
  }

  private var lostLines = 0

  /// A queue that tells when it is empty again, and when the descriptor is of no use any more.
  init(
    on loop: EventLoop, onDrain: @escaping () -> Void,
    onFailure: @escaping (Descriptor.Failure) -> Void
  ) {
    (self.loop, self.onDrain, self.onFailure) = (loop, onDrain, onFailure)
  }

  var isEmpty: Bool { bytes.isEmpty }

  /// Whether whoever can wait should.
  var isFull: Bool { bytes.count > Self.limit / 16 }

  /// Writes whole lines, in their order.
  func write(_ text: String) {
    guard !hasFailed, bytes.count < Self.limit else { return lostLines += 1 }
    let wasEmpty = bytes.isEmpty
    bytes += text.utf8
    if wasEmpty { send() }
  }

  /// How many lines were lost since this was asked.
  func takeLostLines() -> Int {
    defer { lostLines = 0 }
    return lostLines
  }

  private func send() {
    do throws(Descriptor.Failure) {
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = try Descriptor.output.write(someOf: rest)
        if count == 0 { break }
        rest = rest.dropFirst(count)
      }
      bytes = Array(rest)
      if !bytes.isEmpty { timer.schedule(after: .milliseconds(10)) }
    } catch {
      (bytes, hasFailed) = ([], true)
      // Whoever writes does not expect the program to end meanwhile.
      loop.nextTick { [weak self] in self?.onFailure(error) }
    }
  }
}
