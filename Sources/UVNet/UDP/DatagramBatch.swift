internal import CLibUV

/// Where a loop's UDP sockets receive: room for a batch of datagrams of any size.
///
/// One a loop, made when the first socket starts to receive. The system gives real memory only to
/// the pages that datagrams have touched: 16 small ones cost 64 KiB.
@safe final class DatagramBatch {
  /// No UDP datagram is longer: 65 535 bytes less the headers (RFC 768, RFC 8200).
  static let slotSize = 65536
  static let capacity = Int(CUV_DATAGRAMS_AT_ONCE)

  private let slots: UnsafeMutableRawBufferPointer
  private let receiver: UnsafeMutablePointer<cuv_receiver>

  init() {
    unsafe slots = .allocate(byteCount: Self.slotSize * Self.capacity, alignment: 16)
    unsafe receiver = .allocate(capacity: 1)
    unsafe cuv_receiver_init(
      receiver, slots.baseAddress?.assumingMemoryBound(to: CChar.self), Self.slotSize)
  }

  deinit {
    unsafe slots.deallocate()
    unsafe receiver.deallocate()
  }

  /// Receives the datagrams that wait, at most a batch; returns their number, or a negative error.
  func receive(from socket: Int32, maximumBytes: Int) -> Int {
    unsafe Int(cuv_receive_datagrams(receiver, socket, maximumBytes))
  }

  /// The bytes of one datagram; valid until the next ``receive(from:maximumBytes:)``.
  func bytes(at index: Int) -> UnsafeRawBufferPointer {
    let start = index * Self.slotSize
    let length = unsafe min(received(index).pointee.length, Self.slotSize)
    return unsafe UnsafeRawBufferPointer(rebasing: slots[start..<start + length])
  }

  /// Who sent one datagram, and whether it was longer than what was taken of it.
  func origin(at index: Int) -> UDPSocket.Origin? {
    let datagram = unsafe received(index)
    let isTruncated = unsafe datagram.pointee.is_truncated != 0
    guard let sender = unsafe SocketAddress(&datagram.pointee.sender) else { return nil }
    return UDPSocket.Origin(sender: sender.unmapped, isTruncated: isTruncated)
  }

  private func received(_ index: Int) -> UnsafeMutablePointer<cuv_datagram> {
    unsafe cuv_received(receiver, Int32(index))
  }
}
