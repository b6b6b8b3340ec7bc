import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An echo server on SwiftNIO, with a channel handler or with NIOAsyncChannel.
///
///     echo-nio handler|async --port N
@main
struct EchoNIO {
  static func main() async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 4, arguments[2] == "--port", let port = Int(arguments[3]) else {
      say("usage: echo-nio handler|async --port N")
      exit(64)
    }
    switch arguments[1] {
    case "handler": serveByHandler(port)
    case "async": try await serveByAsyncChannel(port)
    default: exit(64)
    }
  }

  private static func bootstrap(_ group: any EventLoopGroup) -> ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 4096)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
  }

  /// One event loop, on this thread.
  private static func serveByHandler(_ port: Int) {
    MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { loop in
      bootstrap(loop)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(EchoHandler())
          }
        }
        .bind(host: "127.0.0.1", port: port)
        .whenComplete { result in
          switch result {
          case .success(let channel): listening(channel)
          case .failure(let error):
            say("error: \(error)")
            exit(1)
          }
        }
    }
  }

  /// As NIO's documentation shows it: one event loop, and the default executor for the tasks.
  private static func serveByAsyncChannel(_ port: Int) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    let server = try await bootstrap(group).bind(host: "127.0.0.1", port: port) { channel in
      channel.eventLoop.makeCompletedFuture {
        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
      }
    }
    listening(server.channel)
    try await withThrowingDiscardingTaskGroup { group in
      try await server.executeThenClose { clients in
        for try await client in clients {
          group.addTask {
            try? await client.executeThenClose { inbound, outbound in
              for try await bytes in inbound { try await outbound.write(bytes) }
            }
          }
        }
      }
    }
  }

  private static func listening(_ channel: any Channel) {
    say("listening address=127.0.0.1 port=\(channel.localAddress?.port ?? 0)")
  }

  private static func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }
}

/// Sends back what was read, in one write when the read is complete.
final class EchoHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.write(data, promise: nil)
  }

  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    try? context.channel.syncOptions?.setOption(.autoRead, value: context.channel.isWritable)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }
}
