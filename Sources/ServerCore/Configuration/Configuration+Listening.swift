package import TestTaskDaemonSupport

extension Configuration {
  /// Where to listen.
  package var placesToListen: ListeningPlaces {
    get throws(ListenFailure) {
      let places = try ListeningPlaces(host: tcpAddress, port: port, socket: socketPath)
      if places.isEmpty { throw ListenFailure.nowhere }
      return places
    }
  }

  /// Where to serve metrics; no place where they are not served.
  package var placesOfMetrics: ListeningPlaces {
    get throws(ListenFailure) {
      try ListeningPlaces(
        host: metricsPort == nil ? nil : metricsAddress, port: metricsPort ?? 0,
        socket: metricsSocketPath)
    }
  }

  /// How to listen, and what accepted connections have.
  package var listenerOptions: DaemonListeners.Options {
    var options = DaemonListeners.Options()
    options.backlog = backlog
    options.reusePort = reusePort
    options.socketMode = socketMode
    options.silence = silenceLimits
    options.output = outputLimits
    return options
  }

  /// Descriptors for everything that is not a client.
  ///
  /// They are three standard ones, two of them opened anew, the loop's ten, two listening sockets, the
  /// file of the count and the log; for a moment the log's reopening, the configuration, the service
  /// manager's socket and a client that is turned away; and those of metrics, where they are served.
  package func reservedDescriptors(_ inherited: [InheritedSocket]) -> Int {
    21 + inherited.count
      + (servesMetrics || inherited.contains(where: \.isForMetrics)
        ? MetricsEndpoint.mostScrapers + 2 : 0)
  }
}
