import TestTaskDaemonSupport
import TestTaskProgramBasics
import TestTaskServerCore
import UVNet

extension Server {
  /// Serves metrics where the settings say so, and says on standard error where that is.
  func serveMetrics() throws(ListenFailure) {
    guard configuration.servesMetrics || !inheritedForMetrics.isEmpty else { return }
    let endpoint = MetricsEndpoint(
      on: loop, inherited: inheritedForMetrics,
      MetricsEndpoint.Pages(
        metrics: { [unowned self] in core.metricsText(processFacts).bytes },
        complaint: { [unowned self] in core.complaint }),
      diagnostics: output.diagnostics, onError: { [unowned self] in acceptFailed($0) })
    loop.measuresCallbacks = true
    loop.onCallbackMeasured { [unowned self] in core.metrics.countCallback($0) }
    try endpoint.listen(
      at: inheritedForMetrics.isEmpty ? try configuration.placesOfMetrics : ListeningPlaces(),
      mode: configuration.socketMode)
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
