#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

/// How many descriptors the process may have, and how many of them clients may take.
enum DescriptorLimit {
  /// Descriptors for everything that is not a client: three standard ones, the loop's, the
  /// listener, the log and its reopening, and one for a client that is turned away.
  static let reserve = 16

  /// Raises the soft limit as far as `wanted` needs and the hard one allows.
  ///
  /// - Returns: the connections that there is room for.
  static func raise(for wanted: Int) -> Int {
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return wanted }
    let needed = rlim_t(wanted + reserve)
    if limit.rlim_cur < needed {
      var raised = limit
      raised.rlim_cur = min(needed, limit.rlim_max)
      if setrlimit(resource, &raised) == 0 { limit = raised }
    }
    return max(1, Int(clamping: limit.rlim_cur) - reserve)
  }
}
