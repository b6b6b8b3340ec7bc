import TestTaskProto
import Testing
import UVNet
import UVNetTestKit

/// Runs the code of TestTaskProto's article and comments; the article's receiver is that of
/// Examples/Sources/framing.
@Suite struct FramingArticleTests {
  @Test func `a text leaves in a frame, and an end inside the next one is told`() throws {
    try LoopHarness.run { loop, calls in
      func print(_ text: String) { calls.record(text) }
      try loop.withConnectedPair { connection, receiver in
        var decoder = FrameDecoder()
        receiver.start(
          .init(
            onData: { connection, bytes in
              do {
                _ = try decoder.decode(bytes) { payload throws(ProtocolViolation.Kind) in
                  calls.record(String(decoding: payload.array, as: UTF8.self))
                  return .proceed
                }
              } catch { Issue.record(error) }
            },
            onEnd: { connection in
              do { try decoder.finish() } catch { print("the stream broke off: \(error)") }
              connection.closeGracefully()
            },
            onClose: { _, _ in calls.record("closed") }))
        connection.start(.init(onData: { _, _ in }))
        do {
          let text = "hello"
          var frame: [UInt8] = []
          try FrameEncoder.append(payload: Array(text.utf8), to: &frame)
          try connection.write(frame)
          try connection.write([5, 0x68])
        } catch { Issue.record(error) }
        connection.closeGracefully()
      }
      calls.expect(["hello", "the stream broke off: truncated at byte 6", "closed"])
    }
  }

  @Test func `the decoder's own example`() throws {
    var handled: [Message] = []
    func handle(_ message: Message) { handled.append(message) }
    var decoder = FrameDecoder()
    let frames: [UInt8] = [2, 0x1a, 0, 2, 0x1a]
    let bytes = frames.span.bytes
    let consumed = try decoder.decode(bytes) { payload throws(ProtocolViolation.Kind) in
      handle(try Message(decoding: payload))
      return .proceed
    }
    #expect(consumed == 5)
    #expect(handled == [.requestForFastResponse])
    #expect(decoder.isInsideFrame)
  }
}
