import TestTaskProgramBasics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A listening socket that the service manager has opened for the program, by the protocol of
/// sd_listen_fds(3).
package struct InheritedSocket: Equatable {
  package enum Kind: Equatable, Sendable { case tcp, unix }

  /// Why the program cannot take over what it was given, in one line.
  package struct Failure: Error, Equatable, CustomStringConvertible {
    package let description: String
  }

  package let descriptor: Int32
  /// What the service manager calls it (`FileDescriptorName=`); empty where it says nothing.
  package let name: String
  package let kind: Kind

  /// Whether it is for metrics and not for clients.
  package var isForMetrics: Bool { name == "metrics" }

  /// Takes over what the environment names, and takes the names out of it, so that no child thinks that they
  /// are meant for it.
  ///
  /// To be called before anything is opened.
  ///
  /// - Parameter first: The number of the first descriptor; another than 3 is for tests.
  /// - Returns: The sockets, in the order in which they were given; none where there is no service
  ///   manager, or where another process was meant.
  /// - Throws: What is wrong with what was handed over.
  package static func takeAll(from first: Int32 = 3) throws(Failure) -> [InheritedSocket] {
    let given = try Given(
      process: environment("LISTEN_PID"), count: environment("LISTEN_FDS"),
      names: environment("LISTEN_FDNAMES"), ownProcess: getpid())
    for name in ["LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"] {
      unsafe unsetenv(name)
    }
    var sockets: [InheritedSocket] = []
    for (number, name) in given.names.enumerated() {
      let descriptor = first + Int32(number)
      let place = name.isEmpty ? "\(descriptor)" : "\(descriptor) (\(name.escapedForTerminal))"
      guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 else {
        throw Failure("socket \(place)", "is not open")
      }
      sockets.append(
        InheritedSocket(descriptor: descriptor, name: name, kind: try kind(of: descriptor, place)))
    }
    return sockets
  }

  private static func kind(of descriptor: Int32, _ place: String) throws(Failure) -> Kind {
    func value(_ option: Int32) -> Int32? {
      var value: Int32 = 0
      var size = socklen_t(MemoryLayout<Int32>.size)
      return unsafe getsockopt(descriptor, SOL_SOCKET, option, &value, &size) == 0 ? value : nil
    }
    #if os(Linux)
      let stream = Int32(SOCK_STREAM.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    guard let type = value(SO_TYPE) else { throw Failure("descriptor \(place)", "is no socket") }
    guard type == stream else { throw Failure("socket \(place)", "is no stream socket") }
    guard value(SO_ACCEPTCONN) == 1 else {
      throw Failure("socket \(place)", "does not listen; Accept=yes is not meant for this server")
    }
    var address = sockaddr()
    var size = socklen_t(MemoryLayout<sockaddr>.size)
    guard unsafe getsockname(descriptor, &address, &size) == 0 else {
      throw Failure("socket \(place)", unsafe String(cString: strerror(errno)))
    }
    switch Int32(address.sa_family) {
    case AF_INET, AF_INET6: return .tcp
    case AF_UNIX: return .unix
    default: throw Failure("socket \(place)", "is neither a TCP nor a Unix socket")
    }
  }

  /// What the environment says.
  struct Given: Equatable {
    /// The names of the descriptors; empty ones where there are none.
    let names: [String]

    /// - Parameters:
    ///   - process: `LISTEN_PID`, the process that is meant.
    ///   - count: `LISTEN_FDS`, the number of descriptors.
    ///   - names: `LISTEN_FDNAMES`, their names, with colons between them.
    ///   - ownProcess: The process that asks.
    /// - Throws: What does not fit together.
    init(process: String?, count: String?, names: String?, ownProcess: Int32) throws(Failure) {
      guard let process, let count else {
        self.names = []
        return
      }
      guard let meant = Int32(process), meant > 0 else {
        throw Failure("LISTEN_PID is \"\(process.escapedForTerminal)\"", "is no process")
      }
      guard meant == ownProcess else {
        self.names = []
        return
      }
      guard let number = Int(count), (0...1_000).contains(number) else {
        throw Failure("LISTEN_FDS is \"\(count.escapedForTerminal)\"", "is no number of sockets")
      }
      guard let names else {
        self.names = Array(repeating: "", count: number)
        return
      }
      let list = names.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
      guard list.count == number || number == 0 else {
        throw Failure("LISTEN_FDNAMES has \(list.count) names", "for \(number) sockets")
      }
      self.names = number == 0 ? [] : list
    }
  }
}

extension InheritedSocket.Failure {
  fileprivate init(_ what: String, _ problem: String) {
    description = "cannot use what the service manager has opened: \(what) \(problem)"
  }
}
