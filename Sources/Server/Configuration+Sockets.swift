import TestTaskDaemonSupport
import TestTaskServerCore
import UVNet

// What the settings say of sockets, in the library's words.
extension Configuration {
  /// Where to listen.
  var placesToListen: ListeningPlaces {
    get throws(ListenFailure) {
      let places = try ListeningPlaces(host: tcpAddress, port: port, socket: socketPath)
      if places.isEmpty { throw ListenFailure.nowhere }
      return places
    }
  }

  /// Where to serve metrics; no place where they are not served.
  var placesOfMetrics: ListeningPlaces {
    get throws(ListenFailure) {
      try ListeningPlaces(
        host: metricsPort == nil ? nil : metricsAddress, port: metricsPort ?? 0,
        socket: metricsSocketPath)
    }
  }

  /// How to listen, and what accepted connections inherit.
  var listenerOptions: DaemonListeners.Options {
    let writeLimits = StreamConnection.WriteLimits(outputLimits)
    return DaemonListeners.Options(
      tcp: TCPListener.Options(
        backlog: backlog, reusePort: reusePort, connections: TCPOptions(silenceLimits),
        writeLimits: writeLimits),
      unix: UnixListener.Options(backlog: backlog, mode: socketMode, writeLimits: writeLimits))
  }

  /// Descriptors for everything that is not a client.
  ///
  /// They are three standard ones, two of them opened anew, the loop's ten, two listening sockets, the
  /// file of the count and the log; for a moment the log's reopening, the configuration, the service
  /// manager's socket and a client that is turned away; and those of metrics, where they are served.
  func reservedDescriptors(_ inherited: [InheritedSocket]) -> Int {
    21 + inherited.count
      + (servesMetrics || inherited.contains(where: \.isForMetrics)
        ? MetricsEndpoint.mostScrapers + 2 : 0)
  }
}

extension TCPOptions {
  fileprivate init(_ limits: SilenceLimits) {
    self.init(
      keepAlive: KeepAlive(
        idle: limits.beforeFirstProbe, interval: limits.betweenProbes, count: limits.probes),
      userTimeout: limits.unacknowledged)
  }
}

extension StreamConnection.WriteLimits {
  init(_ limits: OutputLimits) {
    self.init(
      highWaterMark: limits.highWaterMark, lowWaterMark: limits.lowWaterMark,
      maximumPendingBytes: limits.maximumPendingBytes)
  }
}
