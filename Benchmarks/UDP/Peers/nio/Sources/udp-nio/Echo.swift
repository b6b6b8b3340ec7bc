import NIOCore
import NIOPosix

/// Sends every datagram back, on SwiftNIO's datagram channel with one event loop.
///
/// With the argument `plain` it is as NIO's own example of a UDP echo server: a datagram a read, and one
/// flush for the four reads that NIO makes at most in a turn. With `vectored` a read takes up to 16
/// datagrams with one system call, which NIO does where it is asked to; what one flush sends leaves with
/// one system call in either.
@main
struct Echo {
  static func main() throws {
    let isVectored = CommandLine.arguments.dropFirst().first == "vectored"
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    var bootstrap = DatagramBootstrap(group: group)
    if isVectored {
      bootstrap =
        bootstrap
        .channelOption(.datagramVectorReadMessageCount, value: 16)
        .channelOption(
          .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: 16 * 2048))
    }
    let channel =
      try bootstrap
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(EchoHandler())
        }
      }
      .bind(host: "127.0.0.1", port: 0).wait()
    print("listening address=127.0.0.1 port=\(channel.localAddress?.port ?? 0)")
    try channel.closeFuture.wait()
  }
}

final class EchoHandler: ChannelInboundHandler {
  typealias InboundIn = AddressedEnvelope<ByteBuffer>
  typealias OutboundOut = AddressedEnvelope<ByteBuffer>

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }
}
