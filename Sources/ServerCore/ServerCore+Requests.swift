internal import TestTaskProgramBasics
internal import TestTaskProto

extension ServerCore {
  /// Bytes have come from the client at a place.
  ///
  /// - Parameters:
  ///   - bytes: What was read.
  ///   - place: The client's place.
  ///   - output: What the connection has to send; asked only where it matters.
  ///   - now: The time; asked only where it matters.
  /// - Returns: How many fast answers to write, before the actions are performed. If they fill the
  ///   connection, ``filled(_:unsent:)`` follows.
  package mutating func received(
    _ bytes: RawSpan, from place: Int, output: @autoclosure () -> OutputState,
    at now: @autoclosure () -> UInt64
  ) -> Int {
    guard !drain.hasBegun else { return 0 }
    // One answer is always allowed, so that the commonest read asks for nothing else.
    let isOne = bytes.byteCount == RequestReader.fastRequestBytes
    let most = isOne ? 1 : Self.mostAnswers(output())
    let count = takeFastRequests(bytes, from: place, most: most)
    if count > 0 { return count }
    return receivedOthers(bytes, from: place, output(), now)
  }

  /// Takes bytes that are fast requests and nothing else, which most reads are; else gives 0.
  @inline(__always)
  private mutating func takeFastRequests(_ bytes: RawSpan, from place: Int, most: Int) -> Int {
    guard !logsRequests, bytes.byteCount < readPerTurn,
      let count = clients.update(
        place,
        { client -> Int in
          let count = client.reader.takeFastRequests(bytes, atMost: most)
          client.requests &+= UInt64(truncatingIfNeeded: count)
          return count
        })
    else { return 0 }
    requestCount &+= UInt64(truncatingIfNeeded: count)
    return count
  }

  @inline(never)
  private mutating func receivedOthers(
    _ bytes: RawSpan, from place: Int, _ output: OutputState, _ now: () -> UInt64
  ) -> Int {
    var position = 0
    let answers = serve(place, output, now) { reader, mostFast in
      reader.next(in: bytes, at: &position, mostFast: mostFast)
    }
    let isThere = clients.update(place) { $0.reader.wait(bytes, from: position) } != nil
    guard isThere else { return answers }
    if bytes.byteCount >= readPerTurn { rest(place) }
    update(place, unsent: output.unsent + answers * FastAnswer.byteCount, now)
    return answers
  }

  /// With so many the connection is above its high-water mark, and will say when it has drained.
  @inline(__always)
  private static func mostAnswers(_ output: OutputState) -> Int {
    output.writable / FastAnswer.byteCount + 1
  }

  /// Reads and answers requests until none is whole or enough answers wait to be taken.
  ///
  /// All fast requests of a read have come by its first, so one look at the clock and one write
  /// answer them all.
  ///
  /// - Returns: How many fast answers to write.
  private mutating func serve(
    _ place: Int, _ output: OutputState, _ now: () -> UInt64,
    _ next: (inout RequestReader, Int) -> RequestReader.Next
  ) -> Int {
    guard clients.contains(place) else { return 0 }
    let most = Self.mostAnswers(output)
    var answers = 0
    var start: UInt64?
    var others: Int?
    reading: while answers < most {
      switch clients.update(place, { next(&$0.reader, most - answers) }) {
      case .fast(let count):
        answers += count
        countRequests(count, of: place)
        if logsRequests { logFastRequests(count, of: place) }
      case .slow(let seconds):
        let time = start ?? now()
        start = time
        guard sleep(place, for: seconds, from: time, others: &others) else {
          leave(place, .limit, gracefully(isFilled: answers == most), at: time)
          return answers
        }
      case .violation(let violation):
        leave(
          place, .violation, gracefully(isFilled: answers == most), violation: .frame(violation),
          at: now())
        return answers
      case .needMore, nil: break reading
      }
    }
    return answers
  }

  private mutating func logFastRequests(_ count: Int, of place: Int) {
    guard let number = clients.read(place, { $0.number }) else { return }
    for _ in 0..<count {
      actions.append(.log(.debug, .request(conn: number, sleepSeconds: nil)))
      actions.append(.log(.debug, .answer(conn: number, connectedClients: nil)))
    }
  }

  /// Brings what is known of a client's memory up to date, and keeps to what all may hold.
  private mutating func update(_ place: Int, unsent: Int, _ now: () -> UInt64) {
    guard let partial = note(place, unsent: unsent) else { return }
    setTightness(of: place)
    if memory.total > configuration.totalWriteBufferBytes,
      partial > Backpressure.partialFrameInNeed
    {
      leave(place, .buffer, .atOnce, at: now())
    }
  }

  /// Notes what a client holds: unsent answers, and what its reader keeps.
  ///
  /// - Returns: How much of that is an incomplete frame; nil where there is no client.
  @discardableResult
  mutating func note(_ place: Int, unsent: Int) -> Int? {
    let held = clients.update(place) { ($0.reader.heldBytes, $0.reader.partialFrameBytes) }
    guard let (reader, partialFrame) = held else { return nil }
    memory.update(place, holds: unsent + reader)
    return partialFrame
  }

  /// While all clients together hold too much, each may hold little more.
  mutating func setTightness(of place: Int) {
    let isTight = memory.total > tightMarkBytes
    let hasChanged = clients.update(place) { client in
      guard client.backpressure.contains(.tight) != isTight else { return false }
      client.backpressure.formSymmetricDifference(.tight)
      return true
    }
    guard hasChanged == true else { return }
    actions.append(
      .setLimits(place, isTight ? configuration.tightOutputLimits : configuration.outputLimits))
  }

  // MARK: Backpressure

  /// What was written has filled the connection: its requests wait until it has drained.
  package mutating func filled(_ place: Int, unsent: Int) {
    note(place, unsent: unsent)
    guard !drain.hasBegun else { return }
    pause(place, .filled)
  }

  /// The client has taken answers: goes on with what it sent meanwhile.
  ///
  /// - Returns: How many fast answers to write, as ``received(_:from:output:at:)`` does.
  package mutating func drained(
    _ place: Int, output: OutputState, at now: UInt64
  ) -> Int {
    guard !drain.hasBegun else {
      note(place, unsent: output.unsent)
      return 0
    }
    clients.update(place) { _ = $0.backpressure.remove(.filled) }
    let answers = serve(place, output, { now }) { reader, mostFast in
      reader.nextWaiting(mostFast: mostFast)
    }
    update(place, unsent: output.unsent + answers * FastAnswer.byteCount) { now }
    goOn(place, isFilled: answers * FastAnswer.byteCount > output.writable, at: now)
    return answers
  }

  /// Reads on from a client, unless something keeps it from that; takes note of an end that came
  /// behind what it sent.
  private mutating func goOn(_ place: Int, isFilled: Bool, at now: UInt64) {
    let state = clients.read(place) { client in
      client.reader.hasWaiting ? nil : (client.hasEnded, client.backpressure.mayRead)
    }
    guard let (hasEnded, mayRead) = state ?? nil else { return }
    if hasEnded { return finish(place, isFilled: isFilled, at: now) }
    if mayRead { actions.append(.resume(place)) }
  }

  private mutating func pause(_ place: Int, _ reason: Backpressure) {
    let wasReading = clients.update(place) { client in
      let mayRead = client.backpressure.mayRead
      client.backpressure.insert(reason)
      return mayRead
    }
    if wasReading == true { actions.append(.pause(place)) }
  }

  /// Gives others their turn before more is read from a client.
  private mutating func rest(_ place: Int) {
    pause(place, .resting)
    guard let owner = clients.owner(place) else { return }
    if resting.isEmpty { actions.append(.wakeNextTurn(.restingClients)) }
    resting.append(owner)
  }

  /// A turn of the loop has gone by: reads from those that had their part of it.
  mutating func readOnFromResting() {
    for owner in resting {
      let place = owner.index
      guard clients.owner(place) == owner else { continue }
      let mayRead = clients.update(place) { client in
        guard client.backpressure.remove(.resting) != nil else { return false }
        return client.backpressure.mayRead && !client.hasEnded && !client.reader.hasWaiting
      }
      if mayRead == true, !drain.hasBegun { actions.append(.resume(place)) }
    }
    resting.removeAll(keepingCapacity: true)
  }

  // MARK: The end of a stream

  /// The client has ended its stream, which here means that it has left (S5).
  package mutating func ended(_ place: Int, at now: UInt64) {
    let isFilled = clients.update(place) { client in
      client.hasEnded = true
      return client.reader.hasWaiting ? nil : client.backpressure.contains(.filled)
    }
    guard let isFilled = isFilled ?? nil else { return }
    finish(place, isFilled: isFilled, at: now)
  }

  private mutating func finish(_ place: Int, isFilled: Bool, at now: UInt64) {
    guard let owner = clients.owner(place) else { return }
    if let violation = clients.update(place, { $0.reader.finish() }) ?? nil {
      return leave(
        place, .violation, gracefully(isFilled: isFilled), violation: .frame(violation), at: now)
    }
    if configuration.halfClose, sleeping.sleeping(of: owner) > 0 { return }
    leave(place, .eof, gracefully(isFilled: isFilled), at: now)
  }
}
