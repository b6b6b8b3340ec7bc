import UVNet
import UVNetTLS

/// A server over TLS for those that try one from outside:
/// `TLSPeer ADDRESS:PORT CERTIFICATE KEY [SETTING=VALUE …]`.
///
/// It answers the first line as a server of HTTP would, and ends, as `openssl s_server -www` does.
/// Settings are `required=FILE` and `optional=FILE`, the authorities of client certificates;
/// `minimum=1.3`; `tickets=N`; `echo=yes`, to send back what comes; `protocol=NAME`, which may come several times; and
/// `name=NAME,CERTIFICATE,KEY`, a certificate for those that ask for that name.
@main
struct TLSPeer: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let arguments = CommandLine.arguments
    guard arguments.count >= 4 else {
      throw Mistake(description: "usage: TLSPeer ADDRESS:PORT CERTIFICATE KEY [SETTING=VALUE …]")
    }
    let identity = try TLSIdentity(certificateFile: arguments[2], keyFile: arguments[3])
    var options = TLSServerOptions(identity: identity)
    let echoes = arguments.contains("echo=yes")
    for setting in arguments[4...] where setting != "echo=yes" { try set(setting, in: &options) }
    let context = try TLSServerContext(options)
    let listener = try AsyncListener.listen(
      at: SocketAddress(parsing: arguments[1], allowPortZero: true), on: loop)
    try SignalSource.on(.terminate, on: loop) { _ in listener.close() }
    print("listening on \(listener.localAddress)")
    try await listener.serve { _, error in
      print("failed: \(error)")
    } _: { connection in
      let agreement = try await connection.startTLS(context)
      print(
        "\(agreement.version) \(agreement.cipher) \(agreement.isResumed ? "resumed" : "full")"
          + " name=\(agreement.serverName ?? "-") protocol=\(agreement.applicationProtocol ?? "-")"
          + " client=\(agreement.peerSubject ?? "-")")
      if echoes {
        for try await bytes in connection.chunks { try await connection.write(bytes) }
        return
      }
      for try await bytes in connection.chunks where bytes.contains(UInt8(ascii: "\n")) {
        try await connection.write("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
        return connection.closeGracefully()
      }
    }
  }

  private static func set(_ setting: String, in options: inout TLSServerOptions) throws {
    let parts = setting.split(separator: "=", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw Mistake(description: "\(setting) is no setting") }
    switch parts[0] {
    case "required": options.clientCertificates = .required(try .certificateFile(parts[1]))
    case "optional": options.clientCertificates = .optional(try .certificateFile(parts[1]))
    case "minimum" where parts[1] == "1.3": options.minimumVersion = .v1_3
    case "tickets": options.sessionTickets = Int(parts[1]) ?? 0
    case "protocol": options.applicationProtocols.append(parts[1])
    case "name":
      let identity = parts[1].split(separator: ",").map(String.init)
      guard identity.count == 3 else { throw Mistake(description: "\(setting) is not whole") }
      options.identities[identity[0]] = try TLSIdentity(
        certificateFile: identity[1], keyFile: identity[2])
    default: throw Mistake(description: "there is no setting \(parts[0])")
    }
  }

  private struct Mistake: Error, CustomStringConvertible {
    let description: String
  }
}
