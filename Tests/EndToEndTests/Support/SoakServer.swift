import TestTaskTestSupport
import UVNet
import UVNetTLS
import UVNetTestKit

/// A server that a ``Swarm`` works on.
struct SoakServer {
  let server: RunningServer
  /// How the swarm reaches it.
  let target: Swarm.Target
  /// A Unix socket, where the plain protocol is spoken.
  private let socket: String?
  private let folder: TemporaryFolder?

  /// One for the plain protocol; and, where there is TLS, one that speaks that on its port and the plain
  /// protocol on a Unix socket.
  static func all(_ settings: String) throws -> [SoakServer] {
    var servers = [try SoakServer(settings)]
    #if TLS
      servers.append(try SoakServer(withTLS: settings))
    #endif
    return servers
  }

  private init(_ settings: String) throws {
    server = try RunningServer(settings)
    target = Swarm.Target(port: server.port)
    socket = nil
    folder = nil
  }

  #if TLS
    private init(withTLS settings: String) throws {
      let folder = try TemporaryFolder()
      // For longer than anybody soaks.
      let lasting = 30 * 86400
      let authority = try TestCertificate.authority(validTo: lasting)
      let certificate = try TestCertificate(by: authority) { $0.validTo = lasting }
      for (name, text) in [("pem", certificate.pem), ("key", certificate.keyPEM)] {
        try writeFile("\(folder.path)/server.\(name)", String(decoding: text, as: UTF8.self))
      }
      let socket = folder.path + "/socket"
      server = try RunningServer(
        """
        [server]
        socket = \(socket)
        [tls]
        certificate = \(folder.path)/server.pem
        key = \(folder.path)/server.key
        \(settings)
        """)
      // By then it listens at the socket, too.
      _ = try server.logLines(containing: "event=start")
      var options = TLSClientOptions()
      options.trust = try TLSTrust.certificates(authority.pem)
      let context = try TLSClientContext(options)
      target = Swarm.Target(port: server.port) { connection, completion in
        connection.startTLS(context, to: .address(.loopback)) { result in
          completion((try? result.get()) != nil)
        }
      }
      self.socket = socket
      self.folder = folder
    }
  #endif

  /// A client of the plain protocol.
  func connect() throws -> RawSocket {
    if let socket { try RawSocket.connect(path: socket) } else { try server.connect() }
  }
}
