import NIOCore
import NIOPosix

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The task's server on SwiftNIO and swift-protobuf, as a peer for benchmarks.
///
/// One event loop, on the main thread: the process has no other.
@main
struct Program {
  static func main() {
    let arguments = CommandLine.arguments
    guard arguments.count == 3, arguments[1] == "--port", let port = UInt16(arguments[2]) else {
      say("usage: swiftnio --port N")
      exit(64)
    }
    MultiThreadedEventLoopGroup.withCurrentThreadAsEventLoop { loop in
      let shared = NIOLoopBound(Shared(), eventLoop: loop)
      ServerBootstrap(group: loop)
        .serverChannelOption(.backlog, value: 4096)
        .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        // Linux's connections inherit it from the listening socket: no system call for each.
        .serverChannelOption(.tcpOption(.tcp_nodelay), value: 1)
        .childChannelInitializer { channel in
          channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(RequestHandler(shared.value))
          }
        }
        .bind(host: "127.0.0.1", port: Int(port))
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

  private static func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }
}
