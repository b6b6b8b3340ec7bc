#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// An open file, pipe, terminal or socket that is written to without ever waiting for its reader.
///
/// A descriptor that the parent process passed on (standard output, standard error) usually blocks, and
/// its flags are shared: if a program set `O_NONBLOCK` on a shell's terminal, the shell would fail. `poll`
/// does not help either: a terminal that polls writable may have room for one byte only, and other
/// processes may fill a pipe in between. So:
///
/// - a regular file, a directory or a block device is written to as it is: it waits for no reader;
/// - a pipe or a terminal is opened anew with `O_NONBLOCK`, which gives flags of its own;
/// - a socket, which cannot be opened anew, is sent to with `MSG_DONTWAIT`;
/// - for all others (another user's pipe or terminal after `su`, no `/proc`, other devices)
///   `O_NONBLOCK` is set for the time of one system call and taken back after it.
///
/// It is only a number: the code that opened it has to call ``close()``.
package struct Descriptor: Sendable {
  /// Why the system refused.
  package struct Failure: Error, Equatable {
    /// The reason in words, as the system or this program puts it.
    package let message: String
    /// Whether the reader of a pipe or a socket has left.
    package let isBrokenPipe: Bool

    package init(code: Int32 = errno) {
      message = unsafe String(cString: strerror(code))
      isBrokenPipe = code == EPIPE
    }

    init(message: String) {
      self.message = message
      isBrokenPipe = false
    }
  }

  /// How a write is kept from blocking.
  enum Way: Sendable {
    /// No measure: a file, or a descriptor of our own with `O_NONBLOCK`.
    case plainWrite
    /// `send` with `MSG_DONTWAIT`.
    case send
    /// `O_NONBLOCK` for the time of the call.
    case switchedFlags
  }

  /// Standard output as this program writes to it.
  package static let output = Descriptor(sharing: STDOUT_FILENO)
  /// Standard error as this program writes to it.
  package static let errors = Descriptor(sharing: STDERR_FILENO)

  /// The descriptor's number, for calls that this type does not have.
  package let number: Int32
  let way: Way
  private let isOpenedHere: Bool

  private init(opened number: Int32, way: Way = .plainWrite) {
    self.number = number
    self.way = way
    isOpenedHere = true
  }

  /// Writes to a descriptor that the parent process passed on; it is not closed here.
  ///
  /// - Parameter number: An open descriptor; one that is closed or read only fails at each write.
  package init(sharing number: Int32) {
    var status = stat()
    let flags = fcntl(number, F_GETFL)
    guard flags >= 0, flags & O_ACCMODE != O_RDONLY, unsafe fstat(number, &status) == 0 else {
      self.init(shared: number, way: .plainWrite)
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFREG, S_IFDIR, S_IFBLK: self.init(shared: number, way: .plainWrite)
    case S_IFSOCK: self.init(shared: number, way: .send)
    case S_IFIFO: self.init(openingAnew: number)
    // The controlling side of a terminal would become another terminal.
    case S_IFCHR where isatty(number) == 1 && !Self.isControllingSide(number):
      self.init(openingAnew: number)
    default: self.init(shared: number, way: .switchedFlags)
    }
  }

  /// Whether it is the side of a pseudo-terminal that plays the terminal.
  private static func isControllingSide(_ number: Int32) -> Bool {
    #if os(Linux)
      var index: UInt32 = 0
      // TIOCGPTN, which asks for the number of the other side, and which Swift does not import.
      return unsafe ioctl(number, 0x8004_5430, &index) == 0
    #else
      return unsafe ptsname(number) != nil
    #endif
  }

  init(shared number: Int32, way: Way) {
    self.number = number
    self.way = way
    isOpenedHere = false
  }

  private init(openingAnew number: Int32) {
    var names: [String] = []
    #if os(Linux)
      names.append("/proc/self/fd/\(number)")
    #endif
    if let name = unsafe ttyname(number) { names.append(unsafe String(cString: name)) }
    for name in names {
      let opened = unsafe open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
      guard opened < 0 else {
        self.init(opened: opened)
        return
      }
    }
    self.init(shared: number, way: .switchedFlags)
  }

  /// Opens a file to append to it, and makes it if there is none.
  ///
  /// - Parameters:
  ///   - path: The file. A FIFO without a reader, a socket and a directory are errors.
  ///   - mode: The permissions of a new file.
  ///   - followsLinks: Whether the path may be a symbolic link.
  ///   - truncates: Whether to empty the file.
  /// - Throws: Why it cannot be opened.
  package init(
    appendingTo path: String, mode: UInt16, followsLinks: Bool = true, truncates: Bool = false
  ) throws(Failure) {
    var flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC
    if !followsLinks { flags |= O_NOFOLLOW }
    if truncates { flags |= O_TRUNC }
    var number = unsafe open(path, flags)
    // Only if there is none: in a folder like /tmp the system refuses `O_CREAT` on another user's file.
    if number < 0, errno == ENOENT { number = unsafe open(path, flags | O_CREAT, mode_t(mode)) }
    guard number >= 0 else { throw Self.failure(ofOpening: path) }
    self.init(opened: number)
  }

  /// Closes what was opened here, once; a shared descriptor stays open.
  package func close() {
    if isOpenedHere { systemClose(number) }
  }

  /// Whether it is a terminal.
  package var isTerminal: Bool { isatty(number) == 1 }

  /// Makes the folders of a path, for a file that only its owner may read.
  package static func makeFolders(for path: String) {
    for index in path.indices.dropFirst() where path[index] == "/" {
      unsafe mkdir(String(path[..<index]), 0o700)
    }
  }

  /// Sets the permissions so that only the owner can read and write, also for an old file.
  package func makePrivate() { fchmod(number, 0o600) }

  /// The meaning of `errno` for a path that could not be opened, with a better text for some errors.
  static func failure(ofOpening path: String) -> Failure {
    let code = errno
    var status = stat()
    guard code == ENXIO, unsafe stat(path, &status) == 0 else { return Failure(code: code) }
    switch status.st_mode & S_IFMT {
    case S_IFSOCK: return Failure(message: "it is a socket")
    case S_IFIFO: return Failure(message: "it is a FIFO that nobody reads")
    default: return Failure(code: code)
    }
  }
}

// The methods of the type hide these names.
func systemClose(_ number: Int32) { close(number) }
