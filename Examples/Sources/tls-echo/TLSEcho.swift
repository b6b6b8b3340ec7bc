import UVNet
import UVNetTLS

/// An echo server over TLS: `tls-echo ADDRESS:PORT CERTIFICATE KEY [CLIENT-CA]`, with PEM files.
///
/// SIGHUP reads the certificate anew for the connections that come from then on. A client that asks
/// for the protocol `shout` (ALPN) has its letters made large.
@main
struct TLSEcho: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let arguments = CommandLine.arguments.dropFirst()
    guard arguments.count >= 3 else {
      throw Usage(description: "usage: tls-echo ADDRESS:PORT CERTIFICATE KEY [CLIENT-CA]")
    }
    let files = Array(arguments.dropFirst())
    var context = try makeContext(files)
    let listener = try AsyncListener.listen(
      at: SocketAddress(parsing: arguments[1], allowPortZero: true), on: loop)
    try SignalSource.on(.hangUp, on: loop) { _ in
      do {
        context = try makeContext(files)
        print("certificate replaced")
      } catch {
        print("the old certificate stays: \(error)")
      }
    }
    try SignalSource.on(.terminate, on: loop) { _ in listener.close() }
    print("listening on \(listener.localAddress)")
    try await listener.serve { connection, error in
      print("failed: \(error)")
    } _: { connection in
      let agreement = try await connection.startTLS(context)
      print(
        "\(agreement.version) \(agreement.isResumed ? "resumed" : "full")"
          + " name=\(agreement.serverName ?? "-") protocol=\(agreement.applicationProtocol ?? "-")"
          + " client=\(agreement.peerSubject ?? "-")")
      let shouts = agreement.applicationProtocol == "shout"
      for try await bytes in connection.chunks {
        try await connection.write(shouts ? bytes.map(large) : bytes)
      }
    }
  }

  private static func makeContext(_ files: [String]) throws -> TLSServerContext {
    let identity = try TLSIdentity(certificateFile: files[0], keyFile: files[1])
    var options = TLSServerOptions(identity: identity)
    options.applicationProtocols = ["echo", "shout"]
    if files.count > 2 {
      options.clientCertificates = .required(try TLSTrust.certificateFile(files[2]))
    }
    return try TLSServerContext(options)
  }

  private static func large(_ byte: UInt8) -> UInt8 {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) ? byte - 32 : byte
  }

  private struct Usage: Error, CustomStringConvertible {
    let description: String
  }
}
