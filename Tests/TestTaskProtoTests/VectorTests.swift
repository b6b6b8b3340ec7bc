import TestTaskProto
import Testing

/// The streams of vectors.json, which Google's own protobuf made, cut in every way (P2).
@Suite("Vectors")
struct VectorTests {
  @Test("the vectors are all there")
  func count() {
    #expect(Vector.all.count >= 60)
    #expect(Set(Vector.all.compactMap { $0.violation?.kind }).count == 5)
  }

  @Test("a stream in one piece gives the messages of the vector", arguments: Vector.all)
  func whole(_ vector: Vector) {
    #expect(Outcome(receiving: vector.bytes) == vector.outcome)
  }

  @Test("a stream that comes byte by byte gives the same", arguments: Vector.all)
  func byteByByte(_ vector: Vector) {
    let everywhere = vector.bytes.indices.dropFirst()
    #expect(Outcome(receiving: vector.bytes, cutAt: everywhere) == vector.outcome)
  }

  @Test("a stream split at any byte gives the same", arguments: Vector.all)
  func everySplit(_ vector: Vector) {
    let expected = vector.outcome
    var decoder = RememberingDecoder()
    for cut in 0...vector.bytes.count {
      let outcome = Outcome(receiving: vector.bytes, cutAt: [cut]) {
        payload throws(ProtocolViolation.Kind) in try decoder.decode(payload)
      }
      guard outcome == expected else {
        Issue.record("cut at \(cut): \(outcome)")
        return
      }
    }
  }

  @Test(
    "a short stream split at any two bytes gives the same",
    arguments: Vector.all.filter { $0.bytes.count <= 130 })
  func everyPairOfSplits(_ vector: Vector) {
    let expected = vector.outcome
    for first in 0...vector.bytes.count {
      for second in first...vector.bytes.count {
        let outcome = Outcome(receiving: vector.bytes, cutAt: [first, second])
        guard outcome == expected else {
          Issue.record("cut at \(first) and \(second): \(outcome)")
          return
        }
      }
    }
  }

  @Test(
    "a stream that must wait is not a violation before its end",
    arguments: Vector.all.filter { $0.then == .wait })
  func waiting(_ vector: Vector) throws {
    var decoder = FrameDecoder()
    let consumed = try decoder.decode(vector.bytes.span.bytes) { _ in .proceed }
    #expect(consumed == vector.bytes.count)
    #expect(decoder.isInsideFrame == !vector.bytes.isEmpty)
  }
}
