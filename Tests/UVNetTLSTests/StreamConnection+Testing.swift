#if TLS
  @testable import UVNet

  #if canImport(Glibc)
    import Glibc
  #elseif canImport(Darwin)
    import Darwin
  #endif

  extension StreamConnection {
    /// Ends the socket's stream behind TLS's back.
    func endSocketStream() {
      guard let descriptor = try? descriptor() else { return }
      endSending(on: descriptor)
    }
  }

  private func endSending(on descriptor: Int32) { _ = shutdown(descriptor, Int32(SHUT_WR)) }
#endif
