#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

// If the compiler finds the overlay's copy of `timespec` first, its members belong to that module.
#if canImport(SwiftOverlayShims)
  import SwiftOverlayShims
#endif

/// The time of day, which jumps when it is set; for time stamps, never for waiting.
public enum WallClock {
  /// Nanoseconds since 1970 in UTC.
  public static var nanoseconds: Int64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
  }
}
