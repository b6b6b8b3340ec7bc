/// What a connection has still to send, and who wants to hear of it.
///
/// Bytes are collected in one buffer; at most one more is with libuv. So a million small writes
/// cost their bytes and not a request each; only those with a completion cost a record.
struct WriteQueue {
  typealias Completion = (Result<Void, UVError>) -> Void

  /// Collected, and not yet offered to the kernel.
  private(set) var collected: WriteBuffer?
  /// With libuv, which sends it as the kernel takes it.
  private(set) var inFlight: WriteBuffer?
  private var inFlightStart = 0

  /// Bytes ever accepted by ``append(_:pool:completion:)``.
  private(set) var accepted: UInt64 = 0

  /// Those who asked, in order, with the position in the stream that they wait for.
  private var completions: [(position: UInt64, body: Completion)] = []
  private var told = 0

  /// Bytes that are not fully with the kernel; what libuv has sent of a buffer counts until all is.
  var unfinished: Int { (collected?.count ?? 0) + unfinishedInFlight }
  private var unfinishedInFlight: Int { inFlight.map { $0.count - inFlightStart } ?? 0 }

  /// Writes whose completion is still owed.
  var pendingCompletions: Int { completions.count - told }

  mutating func append(
    _ bytes: UnsafeRawBufferPointer, pool: WriteBufferPool, completion: Completion?
  ) {
    if bytes.count > 0 {
      let buffer = collected ?? pool.take()
      unsafe buffer.append(bytes)
      collected = buffer
      accepted += UInt64(bytes.count)
    }
    if let completion { completions.append((accepted, completion)) }
  }

  /// The kernel took the first `count` of the collected bytes.
  ///
  /// - Returns: Where to go on sending from; `nil` when nothing is left.
  mutating func sent(_ count: Int, pool: WriteBufferPool) -> WriteBuffer? {
    guard let buffer = collected else { return nil }
    collected = nil
    guard count < buffer.count else {
      pool.giveBack(buffer)
      return nil
    }
    inFlight = buffer
    inFlightStart = count
    return buffer
  }

  /// libuv is done with the buffer that it had.
  mutating func finishInFlight(pool: WriteBufferPool) {
    if let buffer = inFlight { pool.giveBack(buffer) }
    inFlight = nil
    inFlightStart = 0
  }

  /// The next completion whose bytes are all with the kernel.
  mutating func nextFinished() -> Completion? {
    guard told < completions.count,
      completions[told].position <= accepted - UInt64(unfinished)
    else { return nil }
    return takeCompletion()
  }

  /// The next completion, whatever became of its bytes: the connection is closed.
  mutating func nextAbandoned() -> Completion? {
    told < completions.count ? takeCompletion() : nil
  }

  private mutating func takeCompletion() -> Completion {
    let body = completions[told].body
    told += 1
    if told == completions.count {
      completions.removeAll(keepingCapacity: told <= 64)
      told = 0
    } else if told >= 1024, told * 2 >= completions.count {
      completions.removeFirst(told)
      told = 0
    }
    return body
  }

  /// Lets go of what was collected; what libuv holds stays until it is done with it.
  mutating func discardCollected(pool: WriteBufferPool) {
    if let buffer = collected { pool.giveBack(buffer) }
    collected = nil
  }
}
