internal import CLibUV

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// How many connections of a loop are open and not read from: paused, not started, or at the end of
/// the peer's stream.
///
/// libuv watches a descriptor only while it reads or has something to write, so the system would
/// tell nobody of a reset of these, and nothing would keep the loop alive for them. The loop looks
/// at them once a second, all in one system call, as long as there are any.
struct QuietConnections {
  /// How long a reset or a broken connection may go unnoticed.
  static let interval: UInt64 = 1000

  var count = 0
  /// Those that keep the loop alive.
  var keepingAlive = 0
}

extension EventLoop {
  func watchQuietConnection(keepingLoopAlive: Bool) {
    quiet.count += 1
    inner.lookAtQuietConnections(after: QuietConnections.interval)
    if keepingLoopAlive { addQuietConnectionsKeepingAlive(1) }
  }

  func unwatchQuietConnection(keepingLoopAlive: Bool) {
    quiet.count -= 1
    if keepingLoopAlive { addQuietConnectionsKeepingAlive(-1) }
  }

  func addQuietConnectionsKeepingAlive(_ change: Int) {
    quiet.keepingAlive += change
    inner.quietConnectionsKeepLoopAlive(quiet.keepingAlive > 0)
  }

  /// Asks the system about all quiet connections.
  func lookAtQuietConnections() {
    guard quiet.count > 0 else { return }
    var connections: [StreamConnection] = []
    // With no event asked for, the system tells of errors and of connections that are over.
    var descriptors: [pollfd] = []
    for handle in handles() {
      guard let connection = handle.asQuietConnection, let descriptor = try? connection.descriptor()
      else { continue }
      connections.append(connection)
      descriptors.append(pollfd(fd: descriptor, events: 0, revents: 0))
    }
    if unsafe poll(&descriptors, nfds_t(descriptors.count), 0) > 0 {
      for (index, connection) in connections.enumerated() where descriptors[index].revents != 0 {
        connection.lookAtFailure(hungUp: descriptors[index].revents & Int16(POLLHUP) != 0)
      }
    }
    if quiet.count > 0 { inner.lookAtQuietConnections(after: QuietConnections.interval) }
  }
}
