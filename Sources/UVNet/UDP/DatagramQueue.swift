/// Datagrams that the kernel or a task has not taken yet, bounded in bytes and in number; `Address`
/// is where they are to go, or where they are from.
///
/// A new datagram that does not fit is dropped and counted, since a datagram protocol expects loss;
/// those that are queued stay.
struct DatagramQueue<Address> {
  struct Datagram {
    let bytes: [UInt8]
    let address: Address
  }

  let limits: UDPSocket.QueueLimits
  /// Bytes of payload in the queue.
  private(set) var byteCount = 0
  /// Datagrams that did not fit, since the beginning.
  private(set) var dropped: UInt64 = 0

  private var datagrams: [Datagram] = []
  /// The index of the next datagram; those before it were taken.
  private var start = 0

  init(limits: UDPSocket.QueueLimits) { self.limits = limits }

  var count: Int { datagrams.count - start }
  var isEmpty: Bool { count == 0 }
  var first: Datagram? { isEmpty ? nil : datagrams[start] }

  /// Whether a datagram of `byteCount` bytes fits now.
  func hasRoom(for byteCount: Int) -> Bool {
    count < limits.maximumDatagrams && byteCount <= limits.maximumBytes - self.byteCount
  }

  /// Puts a datagram at the end; `false`, and one more in ``dropped``, when it does not fit.
  mutating func append(_ bytes: UnsafeRawBufferPointer, _ address: Address) -> Bool {
    guard hasRoom(for: bytes.count) else {
      dropped &+= 1
      return false
    }
    datagrams.append(unsafe Datagram(bytes: Array(bytes), address: address))
    byteCount += bytes.count
    return true
  }

  /// Takes the first datagram away.
  mutating func removeFirst() {
    guard let first else { return }
    byteCount -= first.bytes.count
    start += 1
    // In steps, so that taking one away costs no move of all the others.
    if start == datagrams.count {
      datagrams.removeAll(keepingCapacity: start <= 64)
      start = 0
    } else if start >= 64, start * 2 >= datagrams.count {
      datagrams.removeFirst(start)
      start = 0
    }
  }

  /// Changes where the datagrams in the queue go, or are from.
  mutating func changeAddresses(_ change: (Address) -> Address) {
    datagrams = datagrams[start...].map { Datagram(bytes: $0.bytes, address: change($0.address)) }
    start = 0
  }

  /// Drops all datagrams, and counts them.
  mutating func removeAll() {
    dropped &+= UInt64(count)
    datagrams = []
    start = 0
    byteCount = 0
  }
}
