import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

/// What keeps the server from listening, in one line.
struct ListenFailure: Error, CustomStringConvertible {
  let description: String

  private init(_ place: String, _ reason: String) {
    description = "cannot listen on \(place): \(reason)"
  }

  init(_ error: UVError, at address: SocketAddress) {
    self.init("\(address.host) port \(address.port)", "\(error.message) (\(error.name))")
  }

  init(_ error: UVError, _ socket: UnixAddress) {
    let detail = error.detail.map { ": \($0)" } ?? ""
    self.init(
      "\(socket)".escapedForTerminal,
      "\(error.message) (\(error.name))\(detail)".escapedForTerminal)
  }

  init(_ error: UVError, _ socket: InheritedSocket) {
    self.init(
      "socket \(socket.descriptor) of the service manager", "\(error.message) (\(error.name))")
  }

  fileprivate init(_ error: SocketAddressError, in text: String) {
    self.init("\"\(text.escapedForTerminal)\"", "\(error)")
  }

  fileprivate static var nowhere: ListenFailure {
    ListenFailure("anything", "address and socket are both none")
  }
}

extension Configuration {
  /// Where to listen: by TCP, on a Unix socket, or both.
  var placesToListen: (tcp: SocketAddress?, unix: UnixAddress?) {
    get throws(ListenFailure) {
      let places = try Self.places(tcpAddress, port, socketPath)
      if places.tcp == nil, places.unix == nil { throw ListenFailure.nowhere }
      return places
    }
  }

  /// Where to serve metrics.
  var placesOfMetrics: (tcp: SocketAddress?, unix: UnixAddress?) {
    get throws(ListenFailure) {
      try Self.places(
        metricsPort == nil ? nil : metricsAddress, metricsPort ?? 0, metricsSocketPath)
    }
  }

  private static func places(
    _ host: String?, _ port: Int, _ path: String?
  ) throws(ListenFailure) -> (tcp: SocketAddress?, unix: UnixAddress?) {
    var places: (tcp: SocketAddress?, unix: UnixAddress?) = (nil, nil)
    if let host {
      do throws(SocketAddressError) {
        places.tcp = try SocketAddress(host: host, port: UInt16(clamping: port))
      } catch {
        throw ListenFailure(error, in: host)
      }
    }
    if let path {
      do throws(SocketAddressError) {
        places.unix = try UnixAddress(parsing: path)
      } catch {
        throw ListenFailure(error, in: path)
      }
    }
    return places
  }
}
