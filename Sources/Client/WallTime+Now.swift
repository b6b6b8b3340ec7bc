// Where this module was loaded before libc's, as by another file's imports, the compiler takes it for
// the home of `timespec`.
#if canImport(SwiftOverlayShims)
  import SwiftOverlayShims
#endif

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

extension WallTime {
  /// The present, with the offset of the local time zone at this moment.
  static func now() -> WallTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    var parts = tm()
    localtime_r(&time.tv_sec, &parts)
    return WallTime(
      microseconds: Int64(time.tv_sec) &* 1_000_000 &+ Int64(time.tv_nsec) / 1000,
      localOffset: Int64(parts.tm_gmtoff))
  }
}
