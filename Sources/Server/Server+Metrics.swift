import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

extension Server {
  /// Serves metrics where the settings say so, and says on standard error where that is.
  func serveMetrics() throws(ListenFailure) {
    guard configuration.servesMetrics || !inheritedForMetrics.isEmpty else { return }
    let endpoint = MetricsEndpoint(
      on: loop,
      MetricsEndpoint.Pages(
        metrics: { [unowned self] in core.metricsText(processFacts).bytes },
        complaint: { [unowned self] in core.complaint }),
      onError: { [unowned self] in acceptFailed($0) })
    loop.measuresCallbacks = true
    loop.onCallbackMeasured { [unowned self] in core.metrics.countCallback($0) }
    guard inheritedForMetrics.isEmpty else {
      for socket in inheritedForMetrics { try takeOver(socket, for: endpoint) }
      return
    }
    let places = try configuration.placesOfMetrics
    if let address = places.tcp {
      do throws(UVError) {
        let bound = try endpoint.listen(at: address)
        if !bound.isLoopback { output.diagnostics.report(.warning, .metricsBeyondLoopback(bound)) }
        output.diagnostics.print(.info, "metrics address=\(bound.host) port=\(bound.port)")
      } catch {
        throw ListenFailure(error, at: address)
      }
    }
    if let socket = places.unix {
      do throws(UVError) {
        try endpoint.listen(at: socket, mode: configuration.socketMode)
        output.diagnostics.print(
          .info, "metrics socket=\(configuration.metricsSocket.escapedForTerminal)")
      } catch {
        throw ListenFailure(error, socket)
      }
    }
  }

  private func takeOver(
    _ socket: InheritedSocket, for endpoint: MetricsEndpoint
  ) throws(ListenFailure) {
    do throws(UVError) {
      let place = try endpoint.takeOver(socket)
      output.diagnostics.print(.info, "metrics \(place.escapedForTerminal)")
    } catch {
      throw ListenFailure(error, socket)
    }
  }

  private var processFacts: ProcessFacts {
    let counters = loop.counters
    var facts = ProcessFacts()
    facts.startedAt = startedAt
    facts.processorTime = ProcessorTime.nanoseconds
    facts.loopTurns = counters.turns
    facts.bytesRead = counters.bytesRead
    facts.bytesWritten = counters.bytesWritten
    facts.logLinesLost = output.logLinesLost
    (facts.reloads, facts.failedReloads) = daemon.reloads
    facts.version = ProgramVersion.number
    facts.libuv = "\(EventLoop.runningLibuv)"
    facts.swift = ProgramVersion.swift
    return facts
  }
}

extension String {
  fileprivate static func metricsBeyondLoopback(_ address: SocketAddress) -> String {
    "METRICS BEYOND LOOPBACK on \(address): everybody who can reach this address can read them"
  }
}
