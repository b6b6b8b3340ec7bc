#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The value of a variable of the environment, if it is set to any text.
///
/// A value that is no UTF-8 counts as not set: as a path it would become another path.
package func environment(_ name: String) -> String? {
  unsafe getenv(name).flatMap { unsafe String(validatingCString: $0) }
    .flatMap { $0.isEmpty ? nil : $0 }
}
