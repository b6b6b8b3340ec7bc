public import TestTaskProto
public import UVNet

extension StreamConnection {
  /// The messages that the peer sends, up to the end of its stream.
  ///
  /// ```swift
  /// try await connection.write(Message.requestForFastResponse)
  /// for try await message in connection.messages() { print(message) }
  /// ```
  ///
  /// - Parameter maximumFrameLength: The most bytes of a message, without its length.
  /// - Returns: The sequence; see ``UVNet/StreamConnection/frames(using:maximumLength:)``. It ends with
  ///   `malformed` and the violation when the peer breaks the protocol's rules, an end inside a
  ///   message among them.
  public final func messages(
    maximumFrameLength: Int = FrameDecoder.defaultMaximumFrameLength
  ) -> Frames<MessageDecoder> {
    let decoder = MessageDecoder(maximumFrameLength: maximumFrameLength)
    let longest = decoder.maximumFrameLength + Varint32.maximumByteCount
    return frames(using: decoder, maximumLength: longest)
  }

  /// Sends a message, and waits only while the peer is slow.
  ///
  /// - Parameter message: What to send.
  /// - Throws: As ``UVNet/StreamConnection/write(_:)-([UInt8])`` does.
  public nonisolated(nonsending) final func write(_ message: Message) async throws(UVError) {
    var frame: [UInt8] = []
    message.appendFrame(to: &frame)
    try await write(frame)
  }
}
