#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// The system's `close`, for where that name means something else.
func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
