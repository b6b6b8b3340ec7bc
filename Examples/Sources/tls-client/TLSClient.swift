import UVNet
import UVNetTLS

/// Sends a line over TLS and prints what comes back until the server ends:
/// `tls-client ADDRESS:PORT NAME CA-FILE LINE [CERTIFICATE KEY]`.
///
/// The server's certificate has to be for NAME, a host's name or an address, and of an authority in
/// CA-FILE; `-` stands for the system's authorities.
@main
struct TLSClient: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 5 || arguments.count == 7 else {
      throw Usage(
        description: "usage: tls-client ADDRESS:PORT NAME CA-FILE LINE [CERTIFICATE KEY]")
    }
    var options = TLSClientOptions()
    if arguments[3] != "-" { options.trust = try TLSTrust.certificateFile(arguments[3]) }
    if arguments.count == 7 {
      options.identity = try TLSIdentity(certificateFile: arguments[5], keyFile: arguments[6])
    }
    let name = arguments[2]
    let peer = try (try? IPAddress(name)).map(TLSPeerName.address) ?? .host(name)
    let connection = try await TCPConnection.connect(
      to: SocketAddress(parsing: arguments[1]), on: loop)
    let agreement = try await connection.startTLS(TLSClientContext(options), to: peer)
    print("\(agreement.version) \(agreement.cipher) server=\(agreement.peerSubject ?? "-")")
    try await connection.write(arguments[4] + "\n")
    connection.shutdown()
    for try await bytes in connection.chunks {
      print(String(decoding: bytes, as: UTF8.self), terminator: "")
    }
    connection.closeGracefully()
    await connection.finished()
  }

  private struct Usage: Error, CustomStringConvertible {
    let description: String
  }
}
