import TestTaskProgramBasics
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Restores the terminal when a signal without a handler ends the process, a crash included.
///
/// Afterwards the signal has its default action. At a prompt a usable terminal is worth more than the
/// backtrace that Swift's runtime would print into a terminal in raw mode.
enum TerminalGuard {
  private static let signals = [
    SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU,
    SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS,
  ]

  /// Handles these signals from now on, except those that were ignored when the process started.
  static func install() {
    // The terminal is set only while it is ours. If another job gets it at that moment, or the
    // terminal does not let background jobs write, this process must not be stopped: a stopped
    // process does not handle the signals that end it.
    signal(SIGTTOU, SIG_IGN)
    // Initialises `output` now, so that the signal handler only reads it.
    guard output >= 0 else { return }
    var action = sigaction()
    // The next of these signals has its default action.
    let handler: @convention(c) (Int32) -> Void = { signal in
      giveBackTerminal()
      raise(signal)
    }
    #if canImport(Darwin)
      unsafe action.__sigaction_u.__sa_handler = handler
    #else
      unsafe action.__sigaction_handler.sa_handler = handler
    #endif
    action.sa_flags = Int32(truncatingIfNeeded: SA_RESETHAND)
    for signal in signals where !SignalSource.isIgnored(signal) {
      _ = unsafe sigaction(signal, &action, nil)
    }
  }
}

/// The terminal's descriptor: one of our own, which does not block.
private let output = Descriptor.output.number

/// Calls only functions that are safe in a signal handler.
private func giveBackTerminal() {
  guard StandardInput.terminalIsOurs else { return }
  StandardInput.resetTerminal()
  let end: StaticString = "\n\u{1b}[?2004l"
  let flags = fcntl(output, F_GETFL)
  _ = fcntl(output, F_SETFL, flags | O_NONBLOCK)
  _ = unsafe write(output, end.utf8Start, end.utf8CodeUnitCount)
  _ = fcntl(output, F_SETFL, flags)
}
