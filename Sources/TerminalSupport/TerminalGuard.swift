import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Gives the terminal back when a signal that nobody watches ends the process, a crash included.
///
/// The signal then does what it does by default. At a prompt a whole terminal is worth more than
/// the backtrace that Swift's runtime would have printed into a raw one.
enum TerminalGuard {
  private static let signals = [
    SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU,
    SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS,
  ]

  /// Sees to these signals from now on, but for those that the process was told to ignore.
  static func install() {
    // The terminal is set only while it is ours. Should another job get it at that very moment, or
    // refuse what the background writes, then this process goes on: one that is stopped would not
    // hear a signal that ends it.
    signal(SIGTTOU, SIG_IGN)
    var action = sigaction()
    // Only what a signal handler may do; the next such signal meets the default action.
    let handler: @convention(c) (Int32) -> Void = { signal in
      if StandardInput.terminalIsOurs {
        StandardInput.resetTerminal()
        let end: StaticString = "\n\u{1b}[?2004l"
        _ = unsafe write(STDOUT_FILENO, end.utf8Start, end.utf8CodeUnitCount)
      }
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
