import TestTaskDaemonSupport
import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite(.serialized) struct DescriptorLimitTests {
  private var limit: rlimit {
    var limit = rlimit()
    #if canImport(Glibc)
      getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    #else
      getrlimit(RLIMIT_NOFILE, &limit)
    #endif
    return limit
  }

  @Test func `what the soft limit has room for changes nothing`() {
    let before = limit.rlim_cur
    #expect(DescriptorLimit.raise(for: 2, reserve: 1) >= 2)
    #expect(limit.rlim_cur == before)
  }

  @Test func `the soft limit is raised as far as needed, and never over the hard one`() {
    let before = limit
    let wanted = Int(clamping: before.rlim_cur) + 1
    guard before.rlim_cur < before.rlim_max, wanted < .max - 1 else {
      // There is nothing to raise: the room is what there is.
      #expect(DescriptorLimit.raise(for: 1 << 40, reserve: 1) == Int(clamping: before.rlim_cur) - 1)
      return
    }
    #expect(DescriptorLimit.raise(for: wanted, reserve: 0) == wanted)
    #expect(limit.rlim_cur == rlim_t(wanted))
    let room = DescriptorLimit.raise(for: 1 << 40, reserve: 16)
    #expect(room <= Int(clamping: limit.rlim_max))
    #expect(limit.rlim_max == before.rlim_max)
  }

  @Test func `there is room for one at least`() {
    #expect(DescriptorLimit.raise(for: 1, reserve: 1 << 40) == 1)
  }
}
