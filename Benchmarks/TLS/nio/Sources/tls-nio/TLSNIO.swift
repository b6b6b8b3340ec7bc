import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A TLS server on SwiftNIO and NIOSSL, and a client to try other servers with.
///
///     tls-nio serve PORT CERTIFICATE KEY [CLIENT-CA] [protocol=NAME]
///     tls-nio ask PORT CA NAME VERSION [CERTIFICATE KEY] [protocol=NAME]
///
/// The first byte of a connection says what the server does with the rest: e sends it back, d drops
/// it, s sends for ever. The client sends a request of HTTP, and prints what was agreed on.
@main
struct TLSNIO {
  static func main() throws {
    var arguments = Array(CommandLine.arguments.dropFirst())
    var protocols: [String] = []
    if let last = arguments.last, last.hasPrefix("protocol=") {
      protocols = [String(last.dropFirst("protocol=".count))]
      arguments.removeLast()
    }
    switch (arguments.first, arguments.count) {
    case ("serve", 4...5): try serve(arguments, protocols)
    case ("ask", 5), ("ask", 7): try ask(arguments, protocols)
    default:
      say("usage: tls-nio serve PORT CERTIFICATE KEY [CLIENT-CA] [protocol=NAME]")
      exit(64)
    }
  }

  private static func serve(_ arguments: [String], _ protocols: [String]) throws {
    var configuration = TLSConfiguration.makeServerConfiguration(
      certificateChain: try NIOSSLCertificate.fromPEMFile(arguments[2]).map { .certificate($0) },
      privateKey: .privateKey(try NIOSSLPrivateKey(file: arguments[3], format: .pem)))
    configuration.minimumTLSVersion = .tlsv12
    configuration.applicationProtocols = protocols
    if arguments.count > 4 {
      configuration.trustRoots = .file(arguments[4])
      configuration.certificateVerification = .noHostnameVerification
    }
    let context = try NIOSSLContext(configuration: configuration)
    // The names that clients ask for are told where the peer is tried, not where it is measured.
    let tellsNames = !protocols.isEmpty
    MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { loop in
      ServerBootstrap(group: loop)
        .serverChannelOption(.backlog, value: 4096)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let handlers = channel.pipeline.syncOperations
            if tellsNames {
              try handlers.addHandler(
                ByteToMessageHandler(
                  SNIHandler { name in
                    say("name=\(name)")
                    return channel.eventLoop.makeSucceededVoidFuture()
                  }))
            }
            try handlers.addHandler(NIOSSLServerHandler(context: context))
            try handlers.addHandler(ServerHandler())
          }
        }
        .bind(host: "127.0.0.1", port: Int(arguments[1]) ?? 0)
        .whenComplete { result in
          switch result {
          case .success(let channel):
            say("listening address=127.0.0.1 port=\(channel.localAddress?.port ?? 0)")
          case .failure(let error):
            say("error: \(error)")
            exit(1)
          }
        }
    }
  }

  private static func ask(_ arguments: [String], _ protocols: [String]) throws {
    var configuration = TLSConfiguration.makeClientConfiguration()
    configuration.trustRoots = .file(arguments[2])
    configuration.minimumTLSVersion = arguments[4] == "1.3" ? .tlsv13 : .tlsv12
    configuration.maximumTLSVersion = arguments[4] == "1.3" ? .tlsv13 : .tlsv12
    configuration.applicationProtocols = protocols
    if arguments.count > 5 {
      configuration.certificateChain = try NIOSSLCertificate.fromPEMFile(arguments[5]).map {
        .certificate($0)
      }
      configuration.privateKey = .privateKey(
        try NIOSSLPrivateKey(file: arguments[6], format: .pem))
    }
    let context = try NIOSSLContext(configuration: configuration)
    let name = arguments[3]
    let port = Int(arguments[1]) ?? 0
    MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { loop in
      ClientBootstrap(group: loop)
        .channelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            let handlers = channel.pipeline.syncOperations
            try handlers.addHandler(NIOSSLClientHandler(context: context, serverHostname: name))
            try handlers.addHandler(ClientHandler())
          }
        }
        .connect(host: "127.0.0.1", port: port)
        .whenFailure { error in
          say("error: \(error)")
          exit(1)
        }
    }
  }

  static func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }
}

/// Does with a connection's bytes what the first of them says.
final class ServerHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private enum Kind { case unknown, echo, discard, source }
  private var kind = Kind.unknown
  private static let block = ByteBuffer(repeating: UInt8(ascii: "x"), count: 65536)

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    if kind == .unknown {
      switch bytes.readInteger(as: UInt8.self) {
      case UInt8(ascii: "e"): kind = .echo
      case UInt8(ascii: "s"):
        kind = .source
        send(context)
      default: kind = .discard
      }
    }
    if kind == .echo, bytes.readableBytes > 0 {
      context.write(wrapOutboundOut(bytes), promise: nil)
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

  private func send(_ context: ChannelHandlerContext) {
    while context.channel.isWritable {
      context.writeAndFlush(wrapOutboundOut(Self.block), promise: nil)
    }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if kind == .source {
      send(context)
    } else {
      try? context.channel.syncOptions?.setOption(.autoRead, value: context.channel.isWritable)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    TLSNIO.say("failed: \(error)")
    context.close(promise: nil)
  }
}

/// Sends a request, and reads its answer to the word that is its last.
final class ClientHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private static let lastWord = "ok\n"
  private var answer = ""
  private var chosen = "-"

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    guard case .handshakeCompleted(let negotiated) = event as? TLSUserEvent else { return }
    chosen = negotiated ?? "-"
    context.writeAndFlush(
      wrapOutboundOut(ByteBuffer(string: "GET / HTTP/1.0\r\n\r\n")), promise: nil)
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    answer += String(buffer: unwrapInboundIn(data))
    guard answer.hasSuffix(Self.lastWord) else { return }
    let chosen = chosen
    context.channel.nioSSL_tlsVersion().whenSuccess { version in
      let name = version == .tlsv13 ? "1.3" : version == .tlsv12 ? "1.2" : "?"
      TLSNIO.say("answered version=\(name) protocol=\(chosen)")
    }
    // It is over when the server's close_notify has come, too.
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    exit(answer.hasSuffix(Self.lastWord) ? 0 : 1)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    TLSNIO.say("failed: \(error)")
    exit(2)
  }
}
