#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The processor time that the process has used.
package enum ProcessorTime {
  /// Nanoseconds of user and system time since the process was started.
  package static var nanoseconds: UInt64 {
    var usage = rusage()
    #if canImport(Glibc)
      let whose = RUSAGE_SELF.rawValue
    #else
      let whose = RUSAGE_SELF
    #endif
    guard unsafe getrusage(whose, &usage) == 0 else { return 0 }
    return [usage.ru_utime, usage.ru_stime].reduce(0) { sum, time in
      sum &+ UInt64(clamping: time.tv_sec) &* 1_000_000_000
        &+ UInt64(clamping: time.tv_usec) &* 1_000
    }
  }
}
