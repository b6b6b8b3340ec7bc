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

  init(_ error: UVError, _ values: Configuration) {
    self.init("\(values.address) port \(values.port)", "\(error.message) (\(error.name))")
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
      var places: (tcp: SocketAddress?, unix: UnixAddress?) = (nil, nil)
      if let tcpAddress {
        do throws(SocketAddressError) {
          places.tcp = try SocketAddress(host: tcpAddress, port: UInt16(clamping: port))
        } catch {
          throw ListenFailure(error, in: tcpAddress)
        }
      }
      if let socketPath {
        do throws(SocketAddressError) {
          places.unix = try UnixAddress(parsing: socketPath)
        } catch {
          throw ListenFailure(error, in: socketPath)
        }
      }
      if places.tcp == nil, places.unix == nil { throw ListenFailure.nowhere }
      return places
    }
  }
}
