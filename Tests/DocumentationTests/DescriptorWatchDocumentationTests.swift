import Testing
import UVNet
import UVNetTestKit

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// The code of the comment on `DescriptorWatch`, on a pipe from elsewhere.
@Suite struct DescriptorWatchDocumentationTests {
  @Test func `the example watches a pipe until its end`() throws {
    var ends: [Int32] = [-1, -1]
    try #require(pipe(&ends) == 0)
    let descriptor = ends[0]
    try LoopHarness.run { loop, _ in
      let watch = try DescriptorWatch.on(descriptor, for: .readable, on: loop) { watch, events in
        var bytes = [UInt8](repeating: 0, count: 4096)
        if read(descriptor, &bytes, bytes.count) == 0 { watch.close() }
      }
      #expect(watch.events == .readable)
      _ = write(ends[1], "hello", 5)
      close(ends[1])
    }
    close(descriptor)
  }
}
