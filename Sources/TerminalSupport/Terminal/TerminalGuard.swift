import TestTaskProgramBasics
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
    // Made now: in the handler it is only read.
    guard output >= 0 else { return }
    var action = sigaction()
    // The next such signal meets the default action.
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

/// Where the terminal is written to: a descriptor of our own, which does not wait for a reader.
private let output = Descriptor.output.number

/// Does only what a signal handler may do.
private func giveBackTerminal() {
  guard StandardInput.terminalIsOurs else { return }
  StandardInput.resetTerminal()
  let end: StaticString = "\n\u{1b}[?2004l"
  let flags = fcntl(output, F_GETFL)
  _ = fcntl(output, F_SETFL, flags | O_NONBLOCK)
  _ = unsafe write(output, end.utf8Start, end.utf8CodeUnitCount)
  _ = fcntl(output, F_SETFL, flags)
}
