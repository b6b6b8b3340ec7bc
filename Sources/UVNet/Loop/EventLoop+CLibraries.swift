internal import CLibUV

/// The door for C libraries that bring an adapter to libuv of their own, such as hiredis and c-ares.
extension EventLoop {
  /// libuv's own loop, a `uv_loop_t *`, for C libraries that bring an adapter to libuv.
  ///
  /// A module map that includes `uv.h` by way of the library's adapter gives the type to convert to:
  ///
  /// ```swift
  /// let raw = loop.unsafeRawLoop.assumingMemoryBound(to: uv_loop_t.self)
  /// guard context.pointee.err == 0, redisLibuvAttach(context, raw) == REDIS_OK else {
  /// ```
  ///
  /// The pointer is good until ``close(file:line:)`` or ``endAndClose(file:line:)``, and for the thread
  /// of the loop alone. A library may make handles and requests on the loop, and may use the loop's
  /// `data`. It must not run, stop or close the loop, and must not touch handles that are not its own:
  /// it must not close all that `uv_walk` finds, for example.
  ///
  /// What a library has on the loop is foreign to UVNet: it keeps the loop alive by libuv's rules,
  /// ``openHandles`` names it as `foreign`, and nobody but the library closes it. ``close(file:line:)``
  /// throws while it is open. What the program writes to connections in the library's callbacks is
  /// sent in the same turn of the loop.
  public var unsafeRawLoop: UnsafeMutableRawPointer {
    checkIsOpen("EventLoop.unsafeRawLoop was asked for after close()", #fileID, #line)
    checkThread()
    if !isShared {
      isShared = true
      inner.flushAfterPoll()
    }
    return unsafe UnsafeMutableRawPointer(raw)
  }

  /// The handles that C libraries have on the loop.
  func foreignHandles() -> [ForeignHandle] {
    guard isShared, !isClosed else { return [] }
    var walked: [UnsafeMutablePointer<uv_handle_t>] = unsafe []
    unsafe withUnsafeMutablePointer(to: &walked) { walked in
      unsafe uv_walk(
        raw,
        { handle, argument in
          guard let handle = unsafe handle, let argument = unsafe argument else { return }
          unsafe argument.assumingMemoryBound(to: [UnsafeMutablePointer<uv_handle_t>].self)
            .pointee.append(handle)
        }, walked)
    }
    let own = unsafe handleTable.rawHandles.union(inner.rawHandles)
    return unsafe walked.filter { unsafe !own.contains($0) }.map { unsafe ForeignHandle($0) }
  }

  /// Whether a C library waits for an answer, such as of a look-up, on a loop where nothing of the
  /// program's is open.
  var hasForeignRequest: Bool {
    unsafe isShared && handleTable.isEmpty && lookups.isEmpty && raw.pointee.active_reqs.count > 0
  }
}

/// What there is to say of a handle that a C library has on the loop.
struct ForeignHandle {
  /// libuv's word for its type, such as `timer`.
  let type: String
  /// Whether its library has closed it, and libuv has still to call back.
  let isClosing: Bool

  init(_ raw: UnsafeMutablePointer<uv_handle_t>) {
    type =
      unsafe uv_handle_type_name(raw.pointee.type).map { unsafe String(cString: $0) } ?? "handle"
    isClosing = unsafe uv_is_closing(raw) != 0
  }

  /// What ``EventLoop/openHandles`` calls it.
  var debugName: String { "foreign \(type)\(isClosing ? " (closing)" : "")" }
}
