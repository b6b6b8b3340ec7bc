import NIOCore
import SwiftProtobuf

/// Frames, messages and answers of one connection; its only handler.
///
/// Bytes are decoded where they were read, and kept only while a frame is incomplete. The answers
/// to what was read leave in one write, when NIO says that the read is complete.
final class RequestHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private struct Violation: Error {}

  private static let maximumFrameLength = 65536
  private static let decodingOptions = {
    var options = BinaryDecodingOptions()
    options.discardUnknownFields = true
    return options
  }()

  private let shared: Shared
  private var incomplete: ByteBuffer?
  private var isBroken = false
  private var sleeping: [ObjectIdentifier: NIOScheduledCallback] = [:]

  init(_ shared: Shared) { self.shared = shared }

  func channelActive(context: ChannelHandlerContext) {
    shared.clientCount += 1
  }

  func channelInactive(context: ChannelHandlerContext) {
    shared.clientCount -= 1
    for callback in sleeping.values { callback.cancel() }
    sleeping = [:]
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard !isBroken else { return }
    var bytes = unwrapInboundIn(data)
    if var earlier = incomplete.take() {
      earlier.writeBuffer(&bytes)
      bytes = earlier
    }
    do {
      while let payload = try Self.takeFrame(from: &bytes) {
        try answer(payload, context)
      }
      if bytes.readableBytes > 0 { incomplete = bytes }
    } catch {
      isBroken = true
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) {
    if shared.output.readableBytes > 0 {
      context.writeAndFlush(wrapOutboundOut(shared.output), promise: nil)
      shared.output.clear()
    }
    if isBroken { context.close(promise: nil) }
  }

  /// Does not read from a client that does not take its answers.
  func channelWritabilityChanged(context: ChannelHandlerContext) {
    try? context.channel.syncOptions?.setOption(.autoRead, value: context.channel.isWritable)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  /// Takes the payload of a whole frame; nil when it is incomplete.
  private static func takeFrame(from bytes: inout ByteBuffer) throws -> ByteBuffer? {
    guard let prefix = try measurePrefix(of: bytes) else { return nil }
    guard prefix.value <= maximumFrameLength else { throw Violation() }
    let length = Int(prefix.value)
    guard bytes.readableBytes >= prefix.byteCount + length else { return nil }
    bytes.moveReaderIndex(forwardBy: prefix.byteCount)
    return bytes.readSlice(length: length)
  }

  private static func measurePrefix(
    of bytes: ByteBuffer
  ) throws -> (value: UInt32, byteCount: Int)? {
    try bytes.withUnsafeReadableBytes { bytes in
      var value: UInt32 = 0
      for (index, byte) in bytes.prefix(5).enumerated() {
        if index == 4, byte > 0x0F { throw Violation() }
        value |= UInt32(byte & 0x7F) << UInt32(7 * index)
        if byte < 0x80 { return (value, index + 1) }
      }
      return nil
    }
  }

  private func answer(_ payload: ByteBuffer, _ context: ChannelHandlerContext) throws {
    let request = try TestTask_Messages_WrapperMessage(
      serializedBytes: Payload(payload), options: Self.decodingOptions)
    let isFast = request.hasRequestForFastResponse
    guard isFast != request.hasRequestForSlowResponse,
      !request.hasFastResponse, !request.hasSlowResponse
    else { throw Violation() }
    if isFast {
      var answer = TestTask_Messages_WrapperMessage()
      answer.fastResponse.currentDateTime = shared.timestamp()
      try Self.append(answer, to: &shared.output)
    } else {
      try sleep(request.requestForSlowResponse.timeInSecondsToSleep, context)
    }
  }

  private func sleep(_ seconds: UInt32, _ context: ChannelHandlerContext) throws {
    let wakeUp = WakeUp(self, context, clients: shared.clientCount)
    sleeping[ObjectIdentifier(wakeUp)] = try context.eventLoop.assumeIsolated().scheduleCallback(
      in: .seconds(Int64(seconds)), handler: wakeUp)
  }

  fileprivate func wake(_ wakeUp: WakeUp) {
    sleeping[ObjectIdentifier(wakeUp)] = nil
    var answer = TestTask_Messages_WrapperMessage()
    answer.slowResponse.connectedClientCount = wakeUp.clients
    var output = wakeUp.context.channel.allocator.buffer(capacity: 16)
    // Cannot fail: the message has all that it must have.
    try? Self.append(answer, to: &output)
    wakeUp.context.writeAndFlush(wrapOutboundOut(output), promise: nil)
  }

  private static func append(
    _ message: TestTask_Messages_WrapperMessage, to output: inout ByteBuffer
  ) throws {
    let bytes: [UInt8] = try message.serializedBytes()
    // No answer is so long that its prefix would need a second byte.
    output.writeInteger(UInt8(bytes.count))
    output.writeBytes(bytes)
  }
}

/// A sleeping request: what NIO calls when its sleep is over.
private final class WakeUp: NIOScheduledCallbackHandler {
  let handler: RequestHandler
  let context: ChannelHandlerContext
  let clients: UInt32

  init(_ handler: RequestHandler, _ context: ChannelHandlerContext, clients: UInt32) {
    self.handler = handler
    self.context = context
    self.clients = clients
  }

  func handleScheduledCallback(eventLoop: some EventLoop) { handler.wake(self) }
}
