internal import CLibUV
internal import Synchronization

#if canImport(Glibc)
  internal import Glibc
#elseif canImport(Darwin)
  internal import Darwin
#endif

/// A number that several processes of one machine share, such as that of their connections: each has its
/// part of it, and all see the sum.
///
/// The processes name the same file, in which each has a slot. Only the process itself writes to its
/// slot, so that no two writers meet, and a change is one store to memory. It also holds a lock on the
/// slot, which the system releases when the process has ended, in whatever way. A number without the
/// lock does not count: ``others`` asks the system about each slot with a number, at less than a
/// microsecond for each other process. So the sum is exact at any time after a process was killed, and
/// nobody has to clear up.
///
/// A server adds to ``own`` for each connection, and says ``own`` plus ``others``.
///
/// - The file is 4096 bytes of memory that the processes share. It belongs on a file system in memory, such
///   as `/run`. It may stay when no process is left; while there are processes it must not be shortened,
///   which would end them with SIGBUS, nor be removed, which would make two counters of one.
/// - Use an object on one thread. Several objects for one file, in one process or in several, are
///   several parts of the sum, ``mostProcesses`` at a time.
/// - A child that is forked and does not execute another program holds the lock too: the part counts until
///   both have ended.
@safe public final class SharedCounter {
  /// How many processes can share one file.
  public static let mostProcesses = SharedCounterLayout.slotCount

  private typealias Number = Atomic<UInt32>

  private let file: SharedCounterFile
  private let memory: UnsafeMutableRawPointer
  private let slot: Int

  /// Takes a part of the number that a file holds, beginning with 0; makes the file if there is none.
  ///
  /// An empty file is a new one.
  ///
  /// - Parameters:
  ///   - path: The path of the file. It must be a regular one, and no symbolic link.
  ///   - descriptor: The lowest descriptor to have it open at. Linux closes the highest descriptor of a
  ///     process that was killed first. With a number above those of all connections the
  ///     process no longer counts when the first of its peers sees that it is gone; else it counts
  ///     until the last one does. Where that number cannot be had, a lower one is used.
  /// - Throws: The system's error with the path in its detail; ``UVError/Code/invalidArgument`` for a
  ///   file that is something else, ``UVError/Code/noBufferSpace`` when ``mostProcesses`` have it,
  ///   ``UVError/Code/timedOut`` when another process that takes its part does not go on for a second.
  public init(file path: String, descriptorFrom descriptor: Int32 = 0) throws(UVError) {
    let file = try SharedCounterFile(opening: path, descriptorFrom: descriptor)
    try file.lockHeader()
    defer { file.unlockHeader() }
    try file.prepare()
    let memory = unsafe try file.map()
    func number(_ slot: Int) -> UnsafeMutablePointer<Number> {
      unsafe Self.number(slot, in: memory)
    }
    // Slots of processes that have ended, all of them: the others need not ask about them any more.
    // The lock on the header keeps a slot that is free from being taken meanwhile.
    var free: Int?
    for slot in (0..<SharedCounterLayout.slotCount).reversed() where !file.isHeld(slot) {
      unsafe number(slot).pointee.store(0, ordering: .releasing)
      free = slot
    }
    guard let free, file.hold(free) else {
      unsafe munmap(memory, SharedCounterLayout.byteCount)
      throw UVError(
        .noBufferSpace, during: .open, domain: .library,
        detail: "\(Self.mostProcesses) processes have \(path) already")
    }
    self.file = file
    unsafe self.memory = memory
    slot = free
  }

  deinit {
    own = 0
    unsafe munmap(memory, SharedCounterLayout.byteCount)
  }

  /// Says whether ``init(file:descriptorFrom:)`` would work, as far as that can be told, and makes no file.
  package static func check(file path: String) throws(UVError) {
    try SharedCounterFile.check(path)
  }

  private static func number(
    _ slot: Int, in memory: UnsafeMutableRawPointer
  ) -> UnsafeMutablePointer<Number> {
    // Zeroed memory, aligned to 64 bytes, is an atomic number of value 0.
    unsafe (memory + SharedCounterLayout.offset(ofSlot: slot) + 4)
      .assumingMemoryBound(to: Number.self)
  }

  /// This process's part.
  public var own: UInt32 {
    get { unsafe Self.number(slot, in: memory).pointee.load(ordering: .relaxed) }
    set { unsafe Self.number(slot, in: memory).pointee.store(newValue, ordering: .releasing) }
  }

  /// The sum of the parts of all other processes that live.
  ///
  /// It costs a system call for each of them whose part is not 0.
  public var others: Int {
    SharedCounterLayout.sum(
      except: slot,
      number: { unsafe Self.number($0, in: memory).pointee.load(ordering: .acquiring) },
      isHeld: { file.isHeld($0) })
  }
}
