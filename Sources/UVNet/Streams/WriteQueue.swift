/// What a connection has still to send, and the completions to call.
///
/// Bytes are collected in one buffer; at most one more is with libuv. So a million small writes
/// cost their bytes and not a request each; only those with a completion cost a record.
struct WriteQueue: ~Copyable {
  typealias Completion = (Result<Void, UVError>) -> Void

  /// Collected, and not yet offered to the kernel.
  private(set) var collected = WriteBuffer()

  /// Bytes ever accepted by ``append(_:pool:)``.
  private(set) var accepted: UInt64 = 0

  /// State for when the kernel is slower than the program, or a write has a completion; most
  /// connections never need it, and are smaller without it.
  private var backlog: Backlog?

  private final class Backlog {
    /// The buffer that libuv is sending.
    var inFlight = WriteBuffer()
    var inFlightStart = 0
    /// The completions in order, each with the position in the stream that it waits for.
    ///
    /// A body is taken out when it is called, so that what it holds is not freed by a change of the
    /// array: that could lead to a write, and to another change of it.
    var completions: [(position: UInt64, body: Completion?)] = []
    var told = 0
  }

  private mutating func needBacklog() -> Backlog {
    if let backlog { return backlog }
    let backlog = Backlog()
    self.backlog = backlog
    return backlog
  }

  var hasBacklog: Bool { backlog != nil }

  var isInFlight: Bool {
    guard let backlog else { return false }
    return !backlog.inFlight.isEmpty
  }

  /// Bytes that were given to libuv to send, without those of the buffer that were sent before.
  var inFlightCount: Int { backlog.map { $0.inFlight.count - $0.inFlightStart } ?? 0 }

  /// Bytes not sent; libuv's buffer counts as a whole until all of it is sent.
  var unfinished: Int {
    collected.count + inFlightCount
  }

  /// Writes whose completion is still owed.
  var pendingCompletions: Int { backlog.map { $0.completions.count - $0.told } ?? 0 }

  @inline(__always)
  mutating func append(_ bytes: UnsafeRawBufferPointer, pool: inout WriteBufferPool) {
    unsafe collected.append(bytes, pool: &pool)
    accepted += UInt64(bytes.count)
  }

  /// Adds a completion that waits for all bytes appended so far.
  mutating func append(_ completion: @escaping Completion) {
    needBacklog().completions.append((accepted, completion))
  }

  /// The kernel took the first `count` of the collected bytes.
  ///
  /// - Returns: The remaining bytes, which stay where they are until ``finishInFlight(pool:)``;
  ///   none when all were taken.
  @inline(__always)
  mutating func sent(_ count: Int, pool: inout WriteBufferPool) -> UnsafeMutableRawBufferPointer {
    guard count < collected.count else {
      pool.drain(&collected)
      return unsafe UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }
    let backlog = needBacklog()
    swap(&backlog.inFlight, &collected)
    backlog.inFlightStart = count
    return unsafe UnsafeMutableRawBufferPointer(rebasing: backlog.inFlight.bytes[count...])
  }

  /// libuv is done with the buffer that it had.
  mutating func finishInFlight(pool: inout WriteBufferPool) {
    guard let backlog else { return }
    pool.drain(&backlog.inFlight)
    backlog.inFlightStart = 0
  }

  /// The next completion whose bytes are all with the kernel.
  mutating func nextFinished() -> Completion? {
    guard backlog != nil else { return nil }
    return nextFinished(upTo: accepted - UInt64(unfinished))
  }

  /// The next completion that waits for no more than the first `position` bytes.
  mutating func nextFinished(upTo position: UInt64) -> Completion? {
    guard let backlog, backlog.told < backlog.completions.count,
      backlog.completions[backlog.told].position <= position
    else { return nil }
    return takeCompletion(from: backlog)
  }

  /// The next completion, whatever became of its bytes: the connection is closed.
  mutating func nextAbandoned() -> Completion? {
    guard let backlog, backlog.told < backlog.completions.count else { return nil }
    return takeCompletion(from: backlog)
  }

  private func takeCompletion(from backlog: Backlog) -> Completion? {
    let body = backlog.completions[backlog.told].body.take()
    backlog.told += 1
    let told = backlog.told
    if told == backlog.completions.count {
      backlog.completions.removeAll(keepingCapacity: told <= 64)
      backlog.told = 0
    } else if told >= 1024, told * 2 >= backlog.completions.count {
      backlog.completions.removeFirst(told)
      backlog.told = 0
    }
    return body
  }

  /// Discards the collected bytes; libuv's buffer stays until libuv has finished with it.
  mutating func discardCollected(pool: inout WriteBufferPool) { pool.drain(&collected) }
}
