package import TestTaskDaemonSupport

extension ServerCore {
  /// Why a load balancer should send no new clients, in one word; `nil` when all is well.
  package var complaint: String? { drain.isAskedFor ? "draining" : nil }

  /// The counters and the present state, as the body of `/metrics`.
  package func metricsText(_ process: ProcessFacts) -> MetricsText {
    var text = MetricsText()
    addProcess(process, to: &text)
    addClients(to: &text)
    addRequests(to: &text)
    addLoop(process, to: &text)
    return text
  }

  private func addProcess(_ process: ProcessFacts, to text: inout MetricsText) {
    text.info(
      "testtask_build_info", "The versions of the server and of what it runs with.",
      [("version", process.version), ("libuv", process.libuv), ("swift", process.swift)])
    text.gauge(
      "process_start_time_seconds", "When the process was started, in seconds since 1970.",
      nanoseconds: process.startedAt)
    text.counter(
      "process_cpu_seconds_total", "Processor time of the process, of user and system.",
      nanoseconds: process.processorTime)
    text.gauge(
      "testtask_draining", "Whether the server is ending, 1 or 0.", drain.isAskedFor ? 1 : 0)
    text.counter(
      "testtask_reloads_total", "Times that the settings were read again.", by: "result",
      [("ok", process.reloads), ("failed", process.failedReloads)])
    text.counter(
      "testtask_log_lines_lost_total", "Lines that the log did not take.", process.logLinesLost)
  }

  private func addClients(to text: inout MetricsText) {
    text.gauge("testtask_clients", "Clients that are connected.", clients.count)
    text.gauge(
      "testtask_clients_limit", "Clients that may be connected.", configuration.maxConnections)
    text.gauge(
      "testtask_lingering_connections",
      "Connections of clients that have left and still get answers.",
      lingeringCount)
    text.counter("testtask_connects_total", "Clients that came.", connectCount)
    text.counter(
      "testtask_disconnects_total", "Clients that left, by reason.", by: "reason",
      metrics.disconnectsByReason)
    text.counter(
      "testtask_rejected_total", "Connections that were turned away over a limit.",
      metrics.rejected)
  }

  private func addRequests(to text: inout MetricsText) {
    text.counter(
      "testtask_requests_total", "Requests, by type.", by: "type",
      [("fast", requestCount &- metrics.slowRequests), ("slow", metrics.slowRequests)])
    text.gauge("testtask_sleeping_requests", "Slow requests that are not due yet.", sleeping.count)
    text.gauge(
      "testtask_sleeping_requests_limit", "Slow requests that may sleep.",
      configuration.maxSleepingRequests)
    text.histogram(
      "testtask_answer_lateness_seconds",
      "How late slow requests were answered, by the beginning of the loop's turn.",
      metrics.lateness)
    text.gauge(
      "testtask_held_bytes", "Bytes held for clients: unsent answers and incomplete requests.",
      memory.total)
    text.gauge(
      "testtask_held_bytes_limit", "Bytes that may be held for clients.",
      configuration.totalWriteBufferBytes)
  }

  private func addLoop(_ process: ProcessFacts, to text: inout MetricsText) {
    text.histogram(
      "testtask_callback_seconds", "How long each callback has kept the loop from others.",
      metrics.callbacks)
    text.counter(
      "testtask_loop_turns_total", "Turns of the loop: how often it has looked for events.",
      process.loopTurns)
    text.counter(
      "testtask_received_bytes_total", "Bytes received, those of metrics included.",
      process.bytesRead)
    text.counter(
      "testtask_sent_bytes_total", "Bytes sent, those of metrics included.", process.bytesWritten)
  }
}
