import Testing
import TestTaskTestSupport
import UVNet
import UVNetTestKit

/// The file of a listening socket, and who may be at it.
@Suite struct UnixListenerTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/socket" }
  private var address: UnixAddress { get throws { try UnixAddress(path: path) } }

  init() throws { folder = try TemporaryFolder() }

  private func mode(_ path: String) -> mode_t? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode : nil
  }

  private var isThere: Bool { mode(path) != nil }

  private func listen(
    on loop: EventLoop, _ options: UnixListener.Options = .init()
  ) throws -> UnixListener {
    try UnixListener.listen(at: address, on: loop, options: options) { _, connection in
      connection.close()
    }
  }

  /// A listener on the path answers one client.
  private func expectServed(on loop: EventLoop, _ calls: CallRecord) throws {
    UnixConnection.connect(to: try address, on: loop) { result in
      expectNoError { try result.get().close() }
      calls.record("served")
    }
  }

  @Test func `both ends know each other's process, in onClose too`() throws {
    try LoopHarness.run { loop, calls in
      let me = PeerCredentials(processID: getpid(), userID: geteuid(), groupID: getegid())
      let listener = try UnixListener.listen(at: address, on: loop) { listener, accepted in
        listener.close()
        accepted.start(
          .init(
            onData: { _, _ in },
            onClose: { accepted, reason in
              #expect(accepted.peerCredentials == me)
              #expect(reason == .peer)
              calls.record("closed")
            }))
      }
      #expect(listener.localAddress == (try address))
      UnixConnection.connect(to: try address, on: loop) { result in
        expectNoError {
          let connection = try result.get()
          #expect(connection.peerCredentials == me)
          connection.close()
        }
        calls.record("connected")
      }
      calls.record("asked")
      calls.expect(["asked", "connected", "closed"])
      #expect("\(me)" == "pid=\(getpid()),uid=\(geteuid())")
    }
  }

  @Test func `the file is removed at the end, and one that was put in its place is not`() throws {
    try LoopHarness.run { loop, _ in
      let listener = try listen(on: loop)
      #expect(mode(path).map { $0 & S_IFMT } == S_IFSOCK)
      listener.close()
      #expect(!isThere)
    }
    for replace: () throws -> Void in [
      { folder.put("precious", "socket") },
      { try #require(symlink(folder.path + "/elsewhere", path) == 0) },
      { try #require(mkdir(path, 0o700) == 0) },
      { _ = try RawSocket.listen(path: path) },
    ] {
      try LoopHarness.run { loop, _ in
        let listener = try listen(on: loop)
        unlink(path)
        try replace()
        let before = mode(path)
        listener.close()
        #expect(before != nil && mode(path) == before)
        unlink(path)
        rmdir(path)
      }
    }
    try LoopHarness.run { loop, _ in
      let listener = try listen(on: loop)
      unlink(path)
      listener.close()
      #expect(!isThere)
    }
  }

  @Test func `the file of a server that is gone is replaced, if that is wanted`() throws {
    for isListening in [true, false] {
      try RawSocket.listen(path: path, backlog: isListening ? 1 : nil).close()
      try LoopHarness.run { loop, calls in
        #expect {
          try listen(on: loop, .init(replacesStaleFile: false))
        } throws: { error in
          (error as? UVError)?.code == .addressInUse
        }
        let listener = try UnixListener.listen(at: address, on: loop) { listener, connection in
          connection.close()
          listener.close()
        }
        try expectServed(on: loop, calls)
        withExtendedLifetime(listener) {}
        calls.expect(["served"])
      }
      #expect(!isThere)
    }
  }

  @Test func `the file of a server that lives is left alone, its backlog full or not`() throws {
    for isFull in [false, true] {
      let server = try RawSocket.listen(path: path, backlog: 0)
      var waiting: [RawSocket] = []
      if isFull { waiting.append(try RawSocket.connect(path: path)) }
      try LoopHarness.run { loop, _ in
        #expect {
          try listen(on: loop)
        } throws: { error in
          "\(error)".contains("is another server's")
        }
      }
      #expect(isThere)
      if !isFull { try server.accept().close() }
      waiting = []
      unlink(path)
    }
  }

  @Test func `whether listening would work can be asked, and leaves no trace`() throws {
    try UnixListener.check(address)
    #expect(!isThere)
    let server = try RawSocket.listen(path: path)
    #expect(throws: UVError.self) { try UnixListener.check(address) }
    server.close()
    // Stale.
    try UnixListener.check(address)
    #expect(isThere)
    unlink(path)
    folder.put("precious", "socket")
    let error = #expect(throws: UVError.self) { try UnixListener.check(address) }
    #expect(error?.code == .fileExists)
    #expect(throws: UVError.self) { try UnixListener.check(UnixAddress(path: "/nowhere/x")) }
    #if os(Linux)
      try UnixListener.check(UnixAddress(abstractName: "uvnet-check-\(getpid())"))
    #endif
  }

  @Test func `a folder that another has locked is waited for, but not for ever`() throws {
    let other = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    try #require(other >= 0 && flock(other, LOCK_EX) == 0)
    defer { close(other) }
    try LoopHarness.run { loop, _ in
      let clock = ContinuousClock()
      let start = clock.now
      try listen(on: loop).close()
      #expect(start.duration(to: clock.now) >= .milliseconds(20))
    }
  }

  @Test func `what is no socket is never replaced`() throws {
    for make: () throws -> Void in [
      { folder.put("precious", "socket") },
      { try #require(symlink(folder.path + "/elsewhere", path) == 0) },
      { try #require(mkdir(path, 0o700) == 0) },
      { try #require(mkfifo(path, 0o600) == 0) },
    ] {
      try make()
      let before = mode(path)
      try LoopHarness.run { loop, _ in
        #expect {
          try listen(on: loop)
        } throws: { error in
          (error as? UVError)?.code == .fileExists
            && "\(error)".contains("is no socket, and is not replaced")
        }
      }
      #expect(mode(path) == before)
      unlink(path)
      rmdir(path)
    }
  }

  @Test func `a link to the socket of a server that is gone is not replaced`() throws {
    let other = folder.path + "/other"
    try RawSocket.listen(path: other).close()
    try #require(symlink(other, path) == 0)
    try LoopHarness.run { loop, _ in
      #expect(throws: UVError.self) { try listen(on: loop) }
    }
    #expect(mode(other).map { $0 & S_IFMT } == S_IFSOCK)
  }

  @Test func `a folder that is missing or may not be written to is an error`() throws {
    try LoopHarness.run { loop, _ in
      #expect {
        try UnixListener.listen(at: UnixAddress(path: path + "/x"), on: loop) { _, _ in }
      } throws: { error in
        (error as? UVError)?.code == .noSuchFile
      }
    }
    try LoopHarness.run { loop, _ in
      // Not even root may make a socket there.
      #expect(throws: UVError.self) {
        try UnixListener.listen(at: UnixAddress(path: "/proc/socket"), on: loop) { _, _ in }
      }
    }
  }

  @Test func `a listener on a loop that ends leaves no file`() throws {
    try LoopHarness.run { loop, _ in
      let listener = try listen(on: loop)
      loop.end()
      #expect(!isThere)
      #expect(throws: UVError.self) { try listen(on: loop) }
      #expect(!isThere)
      withExtendedLifetime(listener) {}
    }
  }

  @Test func `a socket that something else has opened is taken over, and its file stays`() throws {
    try LoopHarness.run { loop, calls in
      let socket = try RawSocket.listen(path: path)
      #expect(throws: UVError.self) {
        try UnixListener.adopt(descriptor: -1, on: loop) { _, _ in }
      }
      let tcp = try RawSocket.listen()
      let descriptor = tcp.release()
      #expect(throws: UVError.self) {
        try UnixListener.adopt(descriptor: descriptor, on: loop) { _, _ in }
      }
      close(descriptor)
      let listener = try UnixListener.adopt(descriptor: socket.release(), on: loop) {
        listener, connection in
        connection.close()
        listener.close()
      }
      #expect(listener.localAddress == (try address))
      try expectServed(on: loop, calls)
      calls.expect(["served"])
    }
    #expect(isThere)
  }

  @Test func `a listener that is paused leaves connections with the system`() throws {
    try LoopHarness.run { loop, calls in
      let listener = try UnixListener.listen(at: address, on: loop) { listener, connection in
        calls.record("accepted")
        connection.close()
        listener.close()
      }
      listener.pauseAccepting()
      UnixConnection.connect(to: try address, on: loop) { result in
        calls.record("connected")
        expectNoError { try result.get().close() }
        listener.resumeAccepting()
      }
      calls.expect(["connected", "accepted"])
    }
  }

  #if os(Linux)
    @Test func `an abstract name has no file, and is free again at once`() throws {
      let address = try UnixAddress(abstractName: "uvnet-test-\(getpid())")
      for _ in 0..<2 {
        try LoopHarness.run { loop, calls in
          let listener = try UnixListener.listen(at: address, on: loop) { listener, connection in
            listener.close()
            connection.close()
          }
          #expect {
            try UnixListener.listen(at: address, on: loop) { _, _ in }
          } throws: { error in
            (error as? UVError)?.code == .addressInUse
          }
          #expect(loop.openHandles.contains("UnixListener \(address)"))
          UnixConnection.connect(to: address, on: loop) { result in
            expectNoError { try result.get().close() }
            calls.record("connected")
          }
          withExtendedLifetime(listener) {}
          calls.expect(["connected"])
        }
      }
    }
  #endif
}

/// What belongs to the whole process is changed in one of its own.
@Suite struct SocketFileOfAProcessTests {
  @Test func `a relative path is the same file after the working directory has changed`() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      try #require(chdir(folder.path) == 0)
      try LoopHarness.run { loop, _ in
        let listener = try UnixListener.listen(at: UnixAddress(path: "socket"), on: loop) { _, _ in
        }
        try #require(chdir("/") == 0)
        try #require(access(folder.path + "/socket", F_OK) == 0)
        listener.close()
        try #require(access(folder.path + "/socket", F_OK) != 0)
      }
    }
  }

  @Test func `the file has the mode that was asked for, whatever the umask`() async {
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let address = try UnixAddress(path: folder.path + "/socket")
      for (mask, mode): (mode_t, UInt32?) in [
        (0o022, 0o660), (0, 0o600), (0o077, 0o666), (0, 0o777), (0o027, nil),
      ] {
        umask(mask)
        try LoopHarness.run { loop, _ in
          let listener = try UnixListener.listen(
            at: address, on: loop, options: .init(mode: mode)
          ) { _, _ in }
          var status = stat()
          try #require(lstat(folder.path + "/socket", &status) == 0)
          try #require(UInt32(status.st_mode) & 0o777 == mode ?? 0o750)
          listener.close()
        }
      }
    }
  }
}
