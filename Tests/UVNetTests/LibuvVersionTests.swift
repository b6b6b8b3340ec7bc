import Testing
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// That tests run with the libuv that they are meant to run with.
@Suite struct LibuvVersionTests {
  @Test func `the libuv that runs is the one that is expected, or at least 1.44`() throws {
    let numbers = EventLoop.runningLibuv.split(separator: ".").compactMap { Int($0) }
    try #require(numbers.count == 3)
    #expect((numbers[0], numbers[1]) >= (1, 44))
    // scripts/ci/with-newest-libuv says what it has put in the place of the system's.
    if let expected = getenv("UVNET_EXPECTED_LIBUV") {
      #expect(EventLoop.runningLibuv == String(cString: expected))
    }
  }
}
