import CHiredis
import UVNet

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// hiredis on a loop of UVNet's, by the adapter to libuv that it brings.
///
/// What is hiredis's is foreign to the loop: ``close()`` has hiredis close it.
final class RedisClient {
  /// What Redis answers, as far as this example needs it.
  enum Answer {
    case text(String)
    case integer(Int64)
    case none
    case error(String)
  }

  private let context: UnsafeMutablePointer<redisAsyncContext>
  private var isOpen = true

  /// Connects to a server's Unix socket; a failure to connect is the answer to the first command.
  init?(path: String, on loop: EventLoop) {
    guard let context = redisAsyncConnectUnix(path) else { return nil }
    self.context = context
    let raw = loop.unsafeRawLoop.assumingMemoryBound(to: uv_loop_t.self)
    guard context.pointee.err == 0, redisLibuvAttach(context, raw) == REDIS_OK else {
      redisAsyncFree(context)
      return nil
    }
    context.pointee.data = Unmanaged.passUnretained(self).toOpaque()
    // hiredis frees the context after this.
    redisAsyncSetDisconnectCallback(context) { context, _ in RedisClient.of(context)?.isOpen = false
    }
    redisAsyncSetConnectCallback(context) { context, status in
      if status != REDIS_OK { RedisClient.of(context)?.isOpen = false }
    }
  }

  private static func of(_ context: UnsafePointer<redisAsyncContext>?) -> RedisClient? {
    guard let data = context?.pointee.data else { return nil }
    return Unmanaged<RedisClient>.fromOpaque(data).takeUnretainedValue()
  }

  /// Sends a command; `body` is called once with its answer, on the loop.
  func send(_ words: String..., body: @escaping (Answer) -> Void) {
    guard isOpen else { return body(.error("not connected")) }
    final class Waiting {
      let body: (Answer) -> Void
      init(_ body: @escaping (Answer) -> Void) { self.body = body }
    }
    let waiting = Unmanaged.passRetained(Waiting(body))
    let copies = words.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    var pointers = copies.map { UnsafePointer($0) }
    let lengths = words.map(\.utf8.count)
    let status = redisAsyncCommandArgv(
      context,
      { context, reply, data in
        guard let data else { return }
        let waiting = Unmanaged<Waiting>.fromOpaque(data).takeRetainedValue()
        waiting.body(RedisClient.answer(reply, context))
      }, waiting.toOpaque(), Int32(words.count), &pointers, lengths)
    guard status != REDIS_OK else { return }
    waiting.release()
    body(.error("not sent"))
  }

  private static func answer(
    _ reply: UnsafeMutableRawPointer?, _ context: UnsafeMutablePointer<redisAsyncContext>?
  ) -> Answer {
    guard let reply = reply?.assumingMemoryBound(to: redisReply.self).pointee else {
      let reason = context?.pointee.errstr.map { String(cString: $0) } ?? ""
      return .error(reason.isEmpty ? "disconnected" : reason)
    }
    func text() -> String {
      String(
        decoding: UnsafeRawBufferPointer(start: reply.str, count: Int(reply.len)), as: UTF8.self)
    }
    switch reply.type {
    case REDIS_REPLY_INTEGER: return .integer(reply.integer)
    case REDIS_REPLY_NIL: return .none
    case REDIS_REPLY_ERROR: return .error(text())
    default: return .text(text())
    }
  }

  /// Disconnects once all commands that were sent have their answers.
  func close() {
    if isOpen { redisAsyncDisconnect(context) }
  }
}
