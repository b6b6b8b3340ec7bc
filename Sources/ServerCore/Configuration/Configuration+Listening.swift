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

  /// What protects clients' connections by TCP.
  package var exposure: Exposure { tls?.exposure ?? .unprotected }

  /// Whether metrics are served: by these settings, or on sockets of the service manager.
  package func servesMetrics(_ inherited: [InheritedSocket]) -> Bool {
    servesMetrics || inherited.contains(where: \.isForMetrics)
  }

  /// The lowest descriptor for the file of the count: above those of all clients.
  package func countDescriptor(_ inherited: [InheritedSocket]) -> Int {
    maxConnections + reservedDescriptors(inherited) - 1
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
    21 + inherited.count + (servesMetrics(inherited) ? MetricsEndpoint.mostScrapers + 2 : 0)
  }
}
