#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// How many descriptors the process may have.
package enum DescriptorLimit {
  /// Raises the soft limit to what `wanted` connections need, at most to the hard limit.
  ///
  /// - Parameters:
  ///   - wanted: Descriptors that connections would take.
  ///   - reserve: Descriptors for everything else.
  /// - Returns: The connections that there is room for; at least one.
  package static func raise(for wanted: Int, reserve: Int) -> Int {
    #if canImport(Glibc)
      let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
      let resource = RLIMIT_NOFILE
    #endif
    var limit = rlimit()
    guard unsafe getrlimit(resource, &limit) == 0 else { return wanted }
    let needed = rlim_t(wanted + reserve)
    if limit.rlim_cur < needed {
      var raised = limit
      raised.rlim_cur = min(needed, limit.rlim_max)
      if unsafe setrlimit(resource, &raised) == 0 { limit = raised }
    }
    return max(1, Int(clamping: limit.rlim_cur) - reserve)
  }
}
