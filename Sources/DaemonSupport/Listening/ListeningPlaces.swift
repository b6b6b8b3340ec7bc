package import UVNet

/// Where a daemon listens: by TCP, on a Unix socket, or both.
package struct ListeningPlaces: Equatable {
  package var tcp: SocketAddress?
  package var unix: UnixAddress?

  /// No place at all.
  package init() {}

  /// Reads what settings say.
  ///
  /// - Parameters:
  ///   - host: A numeric address; `nil` for none.
  ///   - port: The port there; 0 is any free one.
  ///   - socket: The path of a Unix socket, or `@` and an abstract name; `nil` for none.
  /// - Throws: What is wrong with an address or a path.
  package init(host: String?, port: Int, socket: String?) throws(ListenFailure) {
    if let host {
      do throws(SocketAddressError) {
        tcp = try SocketAddress(host: host, port: UInt16(clamping: port))
      } catch {
        throw ListenFailure(error, in: host)
      }
    }
    if let socket {
      do throws(SocketAddressError) {
        unix = try UnixAddress(parsing: socket)
      } catch {
        throw ListenFailure(error, in: socket)
      }
    }
  }

  package var isEmpty: Bool { tcp == nil && unix == nil }

  /// Tries to listen at each, and leaves no trace.
  ///
  /// - Returns: The places that are in use, in words: perhaps by the daemon itself.
  /// - Throws: What would keep a daemon from listening there.
  package func check() throws(ListenFailure) -> [String] {
    var inUse: [String] = []
    if let tcp {
      do throws(UVError) {
        let loop = try EventLoop()
        defer { loop.endAndClose() }
        _ = try TCPListener.listen(at: tcp, on: loop) { _, connection in connection.close() }
      } catch {
        guard error.code == .addressInUse else { throw ListenFailure(error, at: tcp) }
        inUse.append("\(tcp)")
      }
    }
    if let unix {
      do throws(UVError) {
        try UnixListener.check(unix)
      } catch {
        guard error.code == .addressInUse else { throw ListenFailure(error, unix) }
        inUse.append("\(unix)")
      }
    }
    return inUse
  }
}
