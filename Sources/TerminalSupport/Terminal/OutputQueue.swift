import TestTaskProgramBasics
import UVNet

/// Standard output: lines that its reader does not take at once are queued, so that no write
/// blocks.
///
/// A program that blocked in a write would handle neither signals nor its server's bytes.
final class OutputQueue {
  /// The most bytes that may wait; further lines are lost, and counted.
  private static let limit = 1 << 20
  private let loop: EventLoop
  private let onDrain: (_ lostLines: Int) -> Void
  private let onFailure: (Descriptor.Failure) -> Void
  private let descriptor = Descriptor.output
  private var bytes: [UInt8] = []
  private var lostLines = 0
  private var hasFailed = false
  private lazy var timer = LoopTimer.unscheduled(on: loop) { [weak self] _ in self?.sendAgain() }

  /// A queue that reports when it is empty again, with the number of lost lines, and when the descriptor
  /// cannot be written any more.
  init(
    on loop: EventLoop, onDrain: @escaping (_ lostLines: Int) -> Void,
    onFailure: @escaping (Descriptor.Failure) -> Void
  ) {
    (self.loop, self.onDrain, self.onFailure) = (loop, onDrain, onFailure)
  }

  var isEmpty: Bool { bytes.isEmpty }

  /// Whether callers that can wait should wait until fewer bytes are queued.
  var isFull: Bool { bytes.count > Self.limit / 16 }

  /// Writes whole lines, in their order.
  func write(_ text: String) {
    guard !hasFailed, bytes.count < Self.limit else {
      return lostLines += text.utf8.count { $0 == UInt8(ascii: "\n") }
    }
    let wasEmpty = bytes.isEmpty
    bytes += text.utf8
    if wasEmpty { send() }
  }

  private func sendAgain() {
    send()
    guard bytes.isEmpty, !hasFailed else { return }
    defer { lostLines = 0 }
    onDrain(lostLines)
  }

  private func send() {
    do throws(Descriptor.Failure) {
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = try descriptor.write(someOf: rest)
        if count == 0 { break }
        rest = rest.dropFirst(count)
      }
      bytes = Array(rest)
      if !bytes.isEmpty { timer.schedule(after: .milliseconds(10)) }
    } catch {
      (bytes, hasFailed) = ([], true)
      // Later: the caller does not expect the program to end inside of this call.
      loop.nextTick { [weak self] in self?.onFailure(error) }
    }
  }
}
