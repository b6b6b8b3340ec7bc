internal import CLibUV

/// Where a loop's UDP sockets receive: room for a batch of datagrams of any size.
///
/// One a loop, made when the first socket starts to receive. The system gives real memory only to
/// the pages that datagrams have touched: 16 small ones cost 64 KiB.
@safe final class DatagramBatch {
  /// No UDP datagram is longer: 65 535 bytes less the headers (RFC 768, RFC 8200).
  static let slotSize = 65536
  static let capacity = 16

  private let slots: UnsafeMutableRawBufferPointer
  private let received: UnsafeMutableBufferPointer<cuv_datagram>

  init() {
    unsafe slots = .allocate(byteCount: Self.slotSize * Self.capacity, alignment: 16)
    unsafe received = .allocate(capacity: Self.capacity)
    unsafe received.initialize(repeating: cuv_datagram())
  }

  deinit {
    unsafe slots.deallocate()
    unsafe received.deallocate()
  }

  /// Receives the datagrams that wait, at most a batch; returns their number, or a negative error.
  func receive(from socket: Int32, maximumBytes: Int) -> Int {
    unsafe Int(
      cuv_receive_datagrams(
        socket, slots.baseAddress?.assumingMemoryBound(to: CChar.self), Self.slotSize, maximumBytes,
        received.baseAddress, UInt32(Self.capacity)))
  }

  /// The bytes of one datagram; valid until the next ``receive(from:maximumBytes:)``.
  func bytes(at index: Int) -> UnsafeRawBufferPointer {
    let start = index * Self.slotSize
    let length = unsafe min(received[index].length, Self.slotSize)
    return unsafe UnsafeRawBufferPointer(rebasing: slots[start..<start + length])
  }

  /// Who sent one datagram, and whether it was longer than what was taken of it.
  func origin(at index: Int) -> UDPSocket.Origin? {
    let isTruncated = unsafe received[index].is_truncated != 0
    guard let start = unsafe received.baseAddress,
      let sender = unsafe SocketAddress(&(start + index).pointee.sender)
    else { return nil }
    return UDPSocket.Origin(sender: sender.unmapped, isTruncated: isTruncated)
  }
}
