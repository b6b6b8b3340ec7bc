import Testing
import TestTaskTestSupport
import UVNet

@Suite struct SharedCounterTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/count" }

  init() throws { folder = try TemporaryFolder() }

  /// The descriptors of files in the folder; other tests open theirs meanwhile.
  private func descriptors() -> [Int32] {
    (0..<1_024).filter { descriptor in
      var target = [UInt8](repeating: 0, count: 256)
      let count = target.withUnsafeMutableBytes { bytes -> Int in
        guard let start = bytes.baseAddress else { return 0 }
        return readlink(
          "/proc/self/fd/\(descriptor)", start.assumingMemoryBound(to: CChar.self), bytes.count)
      }
      return count > 0
        && String(decoding: target.prefix(count), as: UTF8.self).hasPrefix(folder.path)
    }
  }

  @Test func `each has its part, and sees those of the others`() throws {
    let first = try SharedCounter(file: path)
    let second = try SharedCounter(file: path)
    #expect((first.own, first.others) == (0, 0))
    first.own += 2
    second.own = 40
    #expect((first.own, first.others) == (2, 40))
    #expect((second.own, second.others) == (40, 2))
    do {
      let third = try SharedCounter(file: path)
      third.own = 100
      #expect((first.others, second.others) == (140, 102))
    }
    #expect((first.others, second.others) == (40, 2))
    let elsewhere = try SharedCounter(file: path + "2")
    elsewhere.own = 7
    #expect((first.others, elsewhere.others) == (40, 0))
  }

  @Test func `closing another descriptor of the file releases nothing`() throws {
    let first = try SharedCounter(file: path)
    first.own = 3
    close(open(path, O_RDWR | O_CLOEXEC))
    #expect(try SharedCounter(file: path).others == 3)
  }

  @Test func `as many as there are slots share a file, and one that is free is used again`() throws
  {
    var counters: [SharedCounter] = []
    for _ in 0..<SharedCounter.mostProcesses {
      let counter = try SharedCounter(file: path)
      counter.own = 1
      counters.append(counter)
    }
    #expect(counters.allSatisfy { $0.others == SharedCounter.mostProcesses - 1 })
    let error = #expect(throws: UVError.self) { try SharedCounter(file: path) }
    #expect(error?.code == .noBufferSpace)
    #expect(error?.detail == "63 processes have \(path) already")
    counters.remove(at: 17)
    let late = try SharedCounter(file: path)
    #expect(late.others == SharedCounter.mostProcesses - 1)
  }

  @Test func `a file that is something else is refused and left as it is`() throws {
    folder.put("precious", "text")
    folder.put(String(repeating: "x", count: 4_096), "page")
    try #require(symlink("\(folder.path)/text", "\(folder.path)/link") == 0)
    try #require(mkfifo("\(folder.path)/fifo", 0o600) == 0)
    for (name, reason) in [
      ("text", "holds something else"), ("page", "holds something else"),
      ("link", "is a symbolic link"), ("fifo", "is no regular file"), (".", "illegal operation"),
      ("nowhere/count", "no such file"), ("/dev/zero", "is no regular file"),
    ] {
      let path = name.hasPrefix("/") ? name : "\(folder.path)/\(name)"
      for attempt: () throws -> Void in [
        { _ = try SharedCounter(file: path) }, { try SharedCounter.check(file: path) },
      ] {
        #expect {
          try attempt()
        } throws: { error in
          "\(error)".contains(reason) && "\(error)".contains(path)
        }
      }
    }
    #expect(folder.contents("text") == "precious")
    #expect(descriptors() == [])
  }

  @Test func `whether it would work can be asked, and makes no file`() throws {
    try SharedCounter.check(file: path)
    #expect(access(path, F_OK) != 0)
    folder.put("", "count")
    try SharedCounter.check(file: path)
    let counter = try SharedCounter(file: path)
    try SharedCounter.check(file: path)
    #expect(counter.others == 0)
  }

  @Test func `it is open at a high descriptor where that can be had`() throws {
    let high = try SharedCounter(file: path, descriptorFrom: 900)
    #if os(Linux)
      #expect(descriptors().count == 1 && descriptors().allSatisfy { $0 >= 900 })
    #endif
    // More than the process may have.
    let low = try SharedCounter(file: path, descriptorFrom: .max)
    low.own = 1
    #expect(high.others == 1)
  }
}
