import TestTaskTestSupport
import Testing
import UVNet

#if canImport(Glibc)
  import Glibc
#endif

@testable import TestTaskDaemonSupport

@Suite struct InheritedSocketTests {
  private typealias Given = InheritedSocket.Given

  private func names(
    process: String? = "7", _ count: String?, _ names: String? = nil
  ) throws -> [String] {
    try Given(process: process, count: count, names: names, ownProcess: 7).names
  }

  @Test func `sockets are for the process that is meant, and for no other`() throws {
    #expect(try names("2") == ["", ""])
    #expect(try names("2", "tcp:unix") == ["tcp", "unix"])
    #expect(try names("2", "tcp:") == ["tcp", ""])
    #expect(try names("0", "") == [])
    #expect(try names(process: "8", "2") == [])
    #expect(try names(process: "8", "nonsense") == [])
    #expect(try names(process: nil, "2") == [])
    #expect(try names(nil) == [])
  }

  @Test(
    "what does not fit together is an error that says what",
    arguments: [
      ("x", "2", nil, "LISTEN_PID is \"x\""), ("0", "2", nil, "LISTEN_PID"),
      ("7", "-1", nil, "LISTEN_FDS is \"-1\""), ("7", "two", nil, "LISTEN_FDS"),
      ("7", "1001", nil, "LISTEN_FDS"), ("7", "2", "one", "has 1 names for 2 sockets"),
      ("7", "1", "a:b", "has 2 names for 1 sockets"),
    ])
  func refused(process: String, count: String, list: String?, reason: String) {
    let error = #expect(throws: InheritedSocket.Failure.self) {
      try names(process: process, count, list)
    }
    #expect(error?.description.contains(reason) == true)
  }
}

#if os(Linux)
  @Suite struct InheritedSocketOfAProcessTests {
    /// In a process of its own, since the environment belongs to the whole of it.
    @Test func `sockets are taken over by their kind, and the environment forgets them`() async {
      await #expect(processExitsWith: .success) {
        let folder = try TemporaryFolder()
        let loop = try EventLoop()
        let tcp = try Listening(on: loop, folder.path + "/socket")
        for (number, descriptor) in tcp.descriptors.enumerated() {
          try #require(dup2(descriptor, 500 + Int32(number)) >= 0)
        }
        func give(_ count: Int, _ names: String) {
          setenv("LISTEN_PID", "\(getpid())", 1)
          setenv("LISTEN_FDS", "\(count)", 1)
          setenv("LISTEN_FDNAMES", names, 1)
        }
        give(2, "a:b")
        let sockets = try InheritedSocket.takeAll(from: 500)
        try #require(
          sockets == [
            InheritedSocket(descriptor: 500, name: "a", kind: .tcp),
            InheritedSocket(descriptor: 501, name: "b", kind: .unix),
          ])
        try #require(getenv("LISTEN_PID") == nil && getenv("LISTEN_FDS") == nil)
        try #require(fcntl(500, F_GETFD) == FD_CLOEXEC)
        try #require(try InheritedSocket.takeAll(from: 500).isEmpty)
        for (number, reason) in [
          (2, "is no stream socket"), (3, "does not listen"), (4, "is no socket"),
          (5, "is not open"),
        ] {
          close(502)
          if number < 5 { try #require(dup2(tcp.descriptors[number], 502) == 502) }
          give(3, "a:b:c")
          do {
            _ = try InheritedSocket.takeAll(from: 500)
            throw InheritedSocket.Failure(description: "taken")
          } catch {
            try #require("\(error)".contains("502 (c) \(reason)"), "\(error)")
          }
        }
        loop.endAndClose()
      }
    }
  }

  /// A TCP and a Unix socket that listen, one for datagrams, one that does not listen, and a file.
  fileprivate struct Listening {
    let descriptors: [Int32]

    init(on loop: EventLoop, _ path: String) throws {
      var before = Self.open
      _ = try TCPListener.listen(at: SocketAddress(.loopback, port: 0), on: loop) { _, _ in }
      var found: [Int32] = []
      func note() {
        found.append(contentsOf: Self.open.subtracting(before).filter { Self.isSocket($0) })
        before = Self.open
      }
      note()
      _ = try UnixListener.listen(at: UnixAddress(path: path), on: loop) { _, _ in }
      note()
      _ = try UDPSocket.bind(to: SocketAddress(.loopback, port: 0), on: loop)
      note()
      found.append(socket(AF_INET, Self.stream, 0))
      found.append(Glibc.open("/dev/null", O_RDONLY))
      descriptors = found
    }

    private static let stream = Int32(SOCK_STREAM.rawValue)
    private static var open: Set<Int32> { Set((3..<400).filter { fcntl($0, F_GETFD) >= 0 }) }

    private static func isSocket(_ descriptor: Int32) -> Bool {
      var status = stat()
      return fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFSOCK
    }
  }
#endif
