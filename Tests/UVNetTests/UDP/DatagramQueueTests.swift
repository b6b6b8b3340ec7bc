import Testing

@testable import UVNet

@Suite struct DatagramQueueTests {
  private func queue(bytes: Int, datagrams: Int) -> DatagramQueue<Int> {
    DatagramQueue(limits: .init(maximumBytes: bytes, maximumDatagrams: datagrams))
  }

  private func append(_ bytes: [UInt8], to queue: inout DatagramQueue<Int>) -> Bool {
    bytes.withUnsafeBytes { queue.append($0, 0) }
  }

  @Test("datagrams leave in the order in which they came, and the bytes are counted")
  func order() {
    var queue = queue(bytes: 10_000, datagrams: 1_000)
    for number in 0..<200 {
      #expect(append(Array(repeating: UInt8(number), count: number % 7), to: &queue))
    }
    for number in 0..<200 {
      #expect(queue.first?.bytes == Array(repeating: UInt8(number), count: number % 7))
      #expect(queue.byteCount == (number..<200).reduce(0) { $0 + $1 % 7 })
      #expect(queue.count == 200 - number)
      queue.removeFirst()
    }
    #expect(queue.isEmpty && queue.first == nil && queue.byteCount == 0 && queue.dropped == 0)
    queue.removeFirst()
    #expect(queue.isEmpty)
  }

  @Test("what does not fit by its bytes is dropped and counted, and a smaller one still fits")
  func boundedInBytes() {
    var queue = queue(bytes: 10, datagrams: 100)
    #expect(append([1, 2, 3, 4, 5, 6], to: &queue))
    #expect(!append([1, 2, 3, 4, 5], to: &queue))
    #expect(append([1, 2, 3, 4], to: &queue))
    #expect(append([], to: &queue))
    #expect(queue.dropped == 1 && queue.count == 3 && queue.byteCount == 10)
  }

  @Test("what does not fit by its number is dropped and counted, an empty datagram too")
  func boundedInNumber() {
    var queue = queue(bytes: 10, datagrams: 2)
    #expect(append([], to: &queue) && append([], to: &queue))
    #expect(!append([], to: &queue))
    queue.removeFirst()
    #expect(append([], to: &queue))
    #expect(queue.dropped == 1 && queue.count == 2)
  }

  @Test("what is given up counts as dropped")
  func givenUp() {
    var queue = queue(bytes: 10, datagrams: 2)
    _ = append([1], to: &queue)
    _ = append([2], to: &queue)
    queue.removeAll()
    #expect(queue.dropped == 2 && queue.isEmpty && queue.byteCount == 0)
  }

  @Test("negative limits count as none")
  func negativeLimits() {
    var queue = queue(bytes: -1, datagrams: -1)
    #expect(!append([], to: &queue))
    #expect(queue.dropped == 1)
  }
}
