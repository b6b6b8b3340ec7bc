#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// One of the two real programs, started as a user would, with its three streams in our hands.
///
/// Every wait is bounded. A program that a test forgets is ended when it is dropped.
final class Program {
  enum Input {
    case null
    /// Written with ``write(_:)`` and ended with ``endInput()``.
    case pipe
    case file(String)
    /// The descriptor is closed when the program starts.
    case closed
  }

  enum Ending: Equatable {
    case exit(Int32)
    case signal(Int32)
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  static let patience: Duration = .seconds(30)

  let name: String
  let processID: pid_t
  private let inputEnd: Int32
  private var output: Stream
  private var errors: Stream
  private var ending: Ending?

  /// Starts `name` from the folder that the tests were built into, or wherever its path says.
  init(
    _ name: String, _ arguments: [String], input: Input = .null,
    environment: [String: String] = [:], directory: String? = nil
  ) throws {
    self.name = name
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    let outputPipe = try Self.pipe()
    let errorPipe = try Self.pipe()
    var inputPipe: (read: Int32, write: Int32)?
    switch input {
    case .null: posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    case .file(let path): posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0)
    case .closed: posix_spawn_file_actions_addclose(&actions, 0)
    case .pipe:
      let pipe = try Self.pipe()
      posix_spawn_file_actions_adddup2(&actions, pipe.read, 0)
      inputPipe = pipe
    }
    posix_spawn_file_actions_adddup2(&actions, outputPipe.write, 1)
    posix_spawn_file_actions_adddup2(&actions, errorPipe.write, 2)
    if let directory { SpawnExtension.changeFolder(&actions, directory) }
    // Tests run at once: a socket of another's that a program inherited would never seem closed.
    SpawnExtension.closeAbove(&actions, 3)

    // The runner ignores SIGPIPE and may block signals; the program starts as from a shell.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var all = sigset_t()
    sigfillset(&all)
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETSIGDEF) | Int16(POSIX_SPAWN_SETSIGMASK))

    let path = name.hasPrefix("/") ? name : Self.buildFolder + "/" + name
    var variables = Self.inheritedEnvironment.merging(environment) { _, new in new }
    variables["SWIFT_BACKTRACE"] = "enable=no"
    var pid: pid_t = 0
    let status = withCStrings([path] + arguments) { argv in
      withCStrings(variables.map { "\($0)=\($1)" }) { envp in
        posix_spawn(&pid, path, &actions, &attributes, argv, envp)
      }
    }
    close(outputPipe.write)
    close(errorPipe.write)
    if let inputPipe { close(inputPipe.read) }
    guard status == 0 else {
      throw Failure(description: "posix_spawn \(path): \(String(cString: strerror(status)))")
    }
    processID = pid
    inputEnd = inputPipe?.write ?? -1
    output = Stream(descriptor: outputPipe.read)
    errors = Stream(descriptor: errorPipe.read)
  }

  deinit {
    if ending == nil {
      kill(processID, SIGKILL)
      _ = uninterrupted { waitpid(processID, nil, 0) }
    }
    for descriptor in [inputEnd, output.descriptor, errors.descriptor] where descriptor >= 0 {
      close(descriptor)
    }
  }

  private var inputHasEnded = false

  /// Writes to the program's standard input, which must be a pipe.
  func write(_ text: String) throws {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { bytes in
        uninterrupted { systemWrite(inputEnd, bytes.baseAddress, bytes.count) }
      }
      guard count > 0 else { throw Failure(description: "\(name): write: errno \(errno)") }
      bytes = bytes.dropFirst(count)
    }
  }

  /// Ends the program's standard input.
  func endInput() {
    guard !inputHasEnded, inputEnd >= 0 else { return }
    inputHasEnded = true
    // Kept as a descriptor, on nothing, so that deinit closes the right one.
    let null = open("/dev/null", O_WRONLY | O_CLOEXEC)
    dup2(null, inputEnd)
    close(null)
  }

  /// Waits for a line of standard output; `nil` at its end.
  func readLine() throws -> String? { try output.readLine(until: deadline(), for: name) }

  /// Waits for a line of standard error; `nil` at its end.
  func readErrorLine() throws -> String? { try errors.readLine(until: deadline(), for: name) }

  /// Waits for a line of standard output that `matches`, and returns all lines up to it.
  @discardableResult
  func readLines(until matches: (String) -> Bool) throws -> [String] {
    var lines: [String] = []
    while let line = try readLine() {
      lines.append(line)
      if matches(line) { return lines }
    }
    throw Failure(description: "\(name): output ended after \(lines)")
  }

  /// Waits for the end of standard output, and returns what had not been read of it.
  func readOutputToEnd() throws -> [String] {
    var lines: [String] = []
    while let line = try readLine() { lines.append(line) }
    return lines
  }

  /// Waits for the end of standard error, and returns what had not been read of it.
  func readErrorsToEnd() throws -> [String] {
    var lines: [String] = []
    while let line = try readErrorLine() { lines.append(line) }
    return lines
  }

  func send(signal: Int32) { kill(processID, signal) }

  /// Waits for the program to end.
  func wait() throws -> Ending {
    if let ending { return ending }
    let deadline = deadline()
    var status: Int32 = 0
    while waitpid(processID, &status, WNOHANG) == 0 {
      guard ContinuousClock.now < deadline else {
        throw Failure(description: "\(name) had not ended after \(Self.patience)")
      }
      usleep(2000)
    }
    let signal = status & 0x7f
    let ending: Ending = signal == 0 ? .exit(status >> 8 & 0xff) : .signal(signal)
    self.ending = ending
    return ending
  }

  private func deadline() -> ContinuousClock.Instant { .now.advanced(by: Self.patience) }
}

extension Program {
  /// Where the tests were built to, and so the programs.
  static let buildFolder: String = {
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    let path = String(
      decoding: buffer[..<max(length, 0)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    // The runner's own executable lies in the toolchain; the test bundle is its argument.
    let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? path
    return String(bundle[..<(bundle.lastIndex(of: "/") ?? bundle.startIndex)])
  }()

  private static let inheritedEnvironment: [String: String] = {
    var variables: [String: String] = [:]
    for name in [
      "PATH", "HOME", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "ASAN_OPTIONS", "LSAN_OPTIONS",
      "TSAN_OPTIONS",
    ] {
      if let value = getenv(name) { variables[name] = String(cString: value) }
    }
    // Where a program built for coverage writes what it has reached: not beside the tests' own
    // profiles, for the runner merges those, and fails for one whose writer was killed over it.
    if let value = getenv("LLVM_PROFILE_FILE") {
      let path = String(cString: value)
      let folder = path[..<(path.lastIndex(of: "/") ?? path.startIndex)]
      variables["LLVM_PROFILE_FILE"] = "\(folder)/programs/%p.profraw"
    }
    return variables
  }()

  /// A line of the program's `/proc/PID/status`, such as `Threads`.
  func status(_ key: String) throws -> String {
    let text = try readFile("/proc/\(processID)/status")
    for line in text.split(separator: "\n") where line.hasPrefix(key + ":") {
      return line.dropFirst(key.utf8.count + 1).trimmed
    }
    throw Failure(description: "no \(key) in the status of \(name)")
  }

  private static func pipe() throws -> (read: Int32, write: Int32) {
    var ends: [Int32] = [-1, -1]
    guard systemPipe(&ends) == 0 else { throw Failure(description: "pipe: errno \(errno)") }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    return (ends[0], ends[1])
  }
}

/// Lines from a descriptor, each wait bounded.
private struct Stream {
  let descriptor: Int32
  private var bytes: [UInt8] = []
  private var hasEnded = false

  init(descriptor: Int32) { self.descriptor = descriptor }

  mutating func readLine(until deadline: ContinuousClock.Instant, for name: String) throws
    -> String?
  {
    while true {
      if let end = bytes.firstIndex(of: UInt8(ascii: "\n")) {
        defer { bytes.removeFirst(end + 1) }
        return String(decoding: bytes[..<end], as: UTF8.self)
      }
      if hasEnded {
        guard !bytes.isEmpty else { return nil }
        defer { bytes = [] }
        return String(decoding: bytes, as: UTF8.self)
      }
      try fill(until: deadline, for: name)
    }
  }

  private mutating func fill(until deadline: ContinuousClock.Instant, for name: String) throws {
    let left = ContinuousClock.now.duration(to: deadline)
    guard left > .zero else {
      throw Program.Failure(
        description:
          "\(name) wrote nothing in time; so far: \(String(decoding: bytes, as: UTF8.self))")
    }
    var polled = pollfd(descriptor: descriptor)
    guard poll(&polled, 1, Int32(left.components.seconds * 1000 + 1)) > 0 else { return }
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = uninterrupted { read(descriptor, &buffer, buffer.count) }
    if count > 0 { bytes += buffer[..<count] } else { hasEnded = true }
  }
}

extension pollfd {
  fileprivate init(descriptor: Int32) {
    self.init(fd: descriptor, events: Int16(POLLIN), revents: 0)
  }
}

private func withCStrings<R>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R
) -> R {
  let copies = strings.map { strdup($0) }
  defer { copies.forEach { free($0) } }
  return body(copies + [nil])
}

func readFile(_ path: String) throws -> String {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw Program.Failure(description: "open \(path): errno \(errno)") }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
    bytes += buffer[..<count]
  }
}

/// The number of entries of a folder, without those for itself and its parent.
func countEntries(_ path: String) throws -> Int {
  guard let folder = opendir(path) else {
    throw Program.Failure(description: "opendir \(path): errno \(errno)")
  }
  defer { closedir(folder) }
  var count = -2
  while readdir(folder) != nil { count += 1 }
  return count
}

func writeFile(_ path: String, _ text: String) throws {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw Program.Failure(description: "open \(path): errno \(errno)") }
  defer { close(descriptor) }
  let bytes = Array(text.utf8)
  guard write(descriptor, bytes, bytes.count) == bytes.count else {
    throw Program.Failure(description: "write \(path): errno \(errno)")
  }
}

extension Substring {
  var trimmed: String {
    var text = self
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    return String(text)
  }
}

private func systemPipe(_ ends: inout [Int32]) -> Int32 { pipe(&ends) }

/// What glibc's posix_spawn can do beyond POSIX; Swift's Glibc module leaves these out.
private enum SpawnExtension {
  typealias Actions = UnsafeMutablePointer<posix_spawn_file_actions_t>

  static func changeFolder(_ actions: Actions, _ path: String) {
    typealias Function = @convention(c) (Actions, UnsafePointer<CChar>) -> Int32
    let function = unsafeBitCast(symbol("posix_spawn_file_actions_addchdir_np"), to: Function.self)
    _ = function(actions, path)
  }

  static func closeAbove(_ actions: Actions, _ descriptor: Int32) {
    typealias Function = @convention(c) (Actions, Int32) -> Int32
    let function = unsafeBitCast(
      symbol("posix_spawn_file_actions_addclosefrom_np"), to: Function.self)
    _ = function(actions, descriptor)
  }

  private static func symbol(_ name: String) -> UnsafeMutableRawPointer {
    guard let symbol = dlsym(nil, name) else { preconditionFailure("glibc 2.34 has \(name)") }
    return symbol
  }
}

/// Makes a system call again when a signal interrupts it.
func uninterrupted<Count: FixedWidthInteger>(_ call: () -> Count) -> Count {
  while true {
    let count = call()
    guard count < 0, errno == EINTR else { return count }
  }
}

/// The C function, which a method of the same name hides.
private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
  write(descriptor, bytes, count)
}
