#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// In a file of its own, so that the articles' code is compiled without the system's names.
func sendTermination() { kill(getpid(), SIGTERM) }
