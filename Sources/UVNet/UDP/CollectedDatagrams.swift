internal import CLibUV

/// Datagrams that leave together, in one system call: their bytes one behind the other, and where each
/// goes.
///
/// A socket has one while it has collected datagrams; the loop keeps a few for the next sockets.
@safe final class CollectedDatagrams {
  static let capacity = Int(CUV_OUTGOING_AT_ONCE)
  static let byteCapacity = 65536

  private let bytes: UnsafeMutableRawBufferPointer
  private let datagrams: UnsafeMutableBufferPointer<cuv_outgoing>
  private(set) var count = 0
  /// Bytes of payload.
  private(set) var byteCount = 0

  init() {
    unsafe bytes = .allocate(byteCount: Self.byteCapacity, alignment: 16)
    unsafe datagrams = .allocate(capacity: Self.capacity)
    unsafe datagrams.initialize(repeating: cuv_outgoing())
  }

  deinit {
    unsafe bytes.deallocate()
    unsafe datagrams.deallocate()
  }

  /// Whether a datagram of `byteCount` bytes fits now, with `limits` for all of them.
  func hasRoom(for byteCount: Int, _ limits: UDPSocket.QueueLimits) -> Bool {
    count < min(Self.capacity, limits.maximumDatagrams)
      && byteCount <= min(Self.byteCapacity, limits.maximumBytes) - self.byteCount
  }

  /// Puts a copy of a datagram at the end; it must have room.
  func append(_ payload: UnsafeRawBufferPointer, to address: SocketAddress?) {
    let place = unsafe UnsafeMutableRawBufferPointer(
      rebasing: bytes[byteCount..<byteCount + payload.count])
    unsafe place.copyMemory(from: payload)
    let datagram = unsafe slot(count)
    if let address {
      unsafe address.withSockaddr { pointer, size in
        unsafe cuv_outgoing_set(datagram, place.baseAddress, payload.count, pointer, size)
      }
    } else {
      unsafe cuv_outgoing_set(datagram, place.baseAddress, payload.count, nil, 0)
    }
    count += 1
    byteCount += payload.count
  }

  /// Sends datagrams from `index` on, at most `most`; returns how many the kernel has taken, or the
  /// negative error of the first.
  func send(from index: Int, atMost most: Int, by socket: Int32) -> Int32 {
    unsafe cuv_send_datagrams(socket, slot(index), UInt32(min(most, count - index)))
  }

  /// The bytes of one datagram; valid until the next ``append(_:to:)``.
  func payload(at index: Int) -> UnsafeRawBufferPointer {
    let datagram = unsafe slot(index)
    return unsafe UnsafeRawBufferPointer(
      start: datagram.pointee.bytes, count: datagram.pointee.length)
  }

  /// Where one datagram goes; `nil` for the connected peer.
  func address(at index: Int) -> SocketAddress? {
    let datagram = unsafe slot(index)
    guard let address = unsafe cuv_outgoing_address(datagram) else { return nil }
    return unsafe SocketAddress.read { place, _ in
      unsafe UnsafeMutableRawPointer(place).copyMemory(
        from: address, byteCount: Int(datagram.pointee.size))
      return 0
    }
  }

  func removeAll() {
    count = 0
    byteCount = 0
  }

  private func slot(_ index: Int) -> UnsafeMutablePointer<cuv_outgoing> {
    unsafe datagrams.baseAddress.unsafelyUnwrapped + index
  }
}
