import TestTaskProgramBasics

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// Where log lines go: a file opened for appending, or `-` for standard output.
package enum LogFile {
  /// Why a path cannot be logged to.
  package struct Failure: Error, Equatable, CustomStringConvertible {
    /// The path, or the part of it that is wrong.
    package var path: String
    /// The reason in words.
    package var reason: String

    package init(path: String, reason: String) {
      self.path = path
      self.reason = reason
    }

    package var description: String { "cannot log to \"\(path.escapedForTerminal)\": \(reason)" }
  }

  /// The permissions of a new file: only owner and group may read the addresses in it.
  static let mode: UInt16 = 0o640

  /// Opens the path to append lines to it, and makes the file if there is none.
  static func open(_ path: String) throws(Failure) -> LineWriter {
    guard path != "-" else {
      try checkStandardOutput()
      return LineWriter(sharing: STDOUT_FILENO)
    }
    do throws(Descriptor.Failure) {
      return try LineWriter(appendingTo: path, mode: mode)
    } catch {
      throw Failure(path: path, reason: error.message)
    }
  }

  /// Checks whether ``open(_:)`` would succeed, without making a file.
  package static func check(_ path: String) throws(Failure) {
    guard path != "-" else { return try checkStandardOutput() }
    var status = stat()
    if unsafe stat(path, &status) == 0 {
      // The file exists: opening it, as the program does at its start, changes nothing.
      do throws(Descriptor.Failure) {
        try Descriptor(appendingTo: path, mode: mode).close()
      } catch {
        throw Failure(path: path, reason: error.message)
      }
    } else if errno != ENOENT {
      throw Failure(path: path, reason: reason(errno))
    } else if let target = linkTarget(path) {
      // The system makes the file that the link names.
      try check(target)
    } else {
      try checkFolder(of: path)
    }
  }

  /// Checks whether a file can be made at a path where there is none.
  private static func checkFolder(of path: String) throws(Failure) {
    guard !path.hasSuffix("/") else { throw Failure(path: path, reason: reason(EISDIR)) }
    let folder = folder(of: path)
    guard unsafe access(folder, W_OK | X_OK) == 0 else {
      throw Failure(path: folder, reason: reason(errno))
    }
    #if os(Linux)
      try checkFileCanBeMade(in: folder)
    #endif
  }

  #if os(Linux)
    /// Permissions do not tell it all: a file can be made neither in /proc nor on a full disk.
    ///
    /// A file without a name (open(2), O_TMPFILE) is made and gone at once. Not all file systems have
    /// such files; of those, the kernel's own have no others either.
    private static func checkFileCanBeMade(in folder: String) throws(Failure) {
      let descriptor = unsafe Glibc.open(folder, temporaryFile | O_WRONLY | O_CLOEXEC, mode_t(mode))
      guard descriptor < 0 else {
        _ = close(descriptor)
        return
      }
      guard errno == EOPNOTSUPP || errno == EISDIR else {
        throw Failure(path: folder, reason: reason(errno))
      }
      guard isKernelsOwn(folder) else { return }
      throw Failure(path: folder, reason: "no file can be made there")
    }

    /// O_TMPFILE, which is too complex a macro for Swift.
    private static var temporaryFile: Int32 { 0o20_000_000 | O_DIRECTORY }

    /// Whether a folder is in a file system in which the kernel shows itself, by proc(5), mountinfo.
    private static func isKernelsOwn(_ folder: String) -> Bool {
      var status = stat()
      guard unsafe stat(folder, &status) == 0,
        let mounts = try? Descriptor.readFile(
          "/proc/self/mountinfo", limit: 1 << 20, isPrivate: false)
      else { return false }
      let major = (status.st_dev >> 8) & 0xfff
      let minor = status.st_dev & 0xff | (status.st_dev >> 12) & 0xfff00
      for line in String(decoding: mounts, as: UTF8.self).split(separator: "\n") {
        let fields = line.split(separator: " ")
        guard fields.count > 2, fields[2] == "\(major):\(minor)",
          let separator = fields.firstIndex(of: "-"), separator + 1 < fields.count
        else { continue }
        return ["proc", "sysfs", "cgroup", "cgroup2"].contains(fields[separator + 1])
      }
      return false
    }
  #endif

  /// Standard output may be closed or read only, so that no line can ever be written.
  private static func checkStandardOutput() throws(Failure) {
    func fail(_ reason: String) -> Failure {
      Failure(path: "-", reason: "standard output \(reason)")
    }
    let flags = fcntl(STDOUT_FILENO, F_GETFL)
    guard flags >= 0 else { throw fail("is closed") }
    guard flags & O_ACCMODE != O_RDONLY else { throw fail("is open for reading only") }
    var status = stat()
    guard unsafe fstat(STDOUT_FILENO, &status) == 0 else { throw fail(reason(errno)) }
    guard status.st_mode & S_IFMT != S_IFDIR else { throw fail("is a directory") }
  }

  private static func folder(of path: String) -> String {
    path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[...$0]) } ?? "."
  }

  /// The target of a symbolic link, relative to the working directory; nil if the path is not a link.
  private static func linkTarget(_ path: String) -> String? {
    var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
    let count = unsafe buffer.withUnsafeMutableBytes { buffer in
      guard let start = buffer.baseAddress else { return -1 }
      return unsafe readlink(path, start.assumingMemoryBound(to: CChar.self), buffer.count)
    }
    guard count > 0, let target = String(validating: buffer.prefix(count), as: UTF8.self) else {
      return nil
    }
    return target.hasPrefix("/") ? target : "\(folder(of: path))/\(target)"
  }

  private static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }
}
