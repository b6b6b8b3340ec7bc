import UVNet

#if canImport(Darwin)
  import Darwin
#else
  import Glibc
#endif

/// `chat [ADDRESS [SECONDS]]`: whoever connects says a name, and then every line goes to all others.
///
/// Nobody waits for a slow reader: one that leaves more than 64 KiB unread is dropped. So is a client
/// that says nothing for so many seconds.
@main
struct Chat {
  static func main() throws {
    let arguments = CommandLine.arguments.dropFirst()
    let loop = try EventLoop()
    let room = Room(idleTime: .seconds(arguments.dropFirst().first.flatMap { Int($0) } ?? 300))
    var options = TCPListener.Options()
    options.writeLimits.maximumPendingBytes = 65536
    let listener = try TCPListener.listen(
      at: SocketAddress(parsing: arguments.first ?? "127.0.0.1:7009", allowPortZero: true),
      on: loop, options: options
    ) { _, connection in room.enter(connection) }
    for number in [SIGTERM, SIGINT] {
      try SignalSource.on(number, on: loop) { _ in
        room.end()
        loop.end()
      }
    }
    print("listening on \(listener.localAddress)")
    loop.run()
    try loop.close()
  }
}

/// Who is there.
final class Room {
  private let idleTime: Duration
  private var members: [ObjectIdentifier: Member] = [:]

  init(idleTime: Duration) { self.idleTime = idleTime }

  func enter(_ connection: TCPConnection) {
    let member = Member(connection)
    members[ObjectIdentifier(member)] = member
    let idle = LoopTimer.after(idleTime, on: connection.loop) { [self] _ in
      leave(member, "said nothing for too long")
    }
    var lines = LineSplitter(maximumLength: 512)
    connection.start(
      .init(
        onData: { [self] _, bytes in
          idle.schedule(after: idleTime)
          do {
            try lines.split(bytes) { hear(String(decoding: $0), from: member) }
          } catch { leave(member, "sent too long a line") }
        },
        onEnd: { [self] _ in leave(member, "left") },
        onClose: { [self] _, reason in
          idle.cancel()
          leave(member, "is gone")
        }))
    member.write("your name?\n")
  }

  private func hear(_ line: String, from member: Member) {
    if let name = member.name { return say("\(name): \(line)", from: member) }
    member.name = line
    say("* \(line) is here")
  }

  /// Tells all that have a name, but for the one who said it.
  private func say(_ line: String, from speaker: Member? = nil) {
    if line.hasPrefix("*") { print(line) }
    for other in members.values where other !== speaker && other.name != nil {
      if !other.write(line + "\n") { leave(other, "reads too slowly") }
    }
  }

  func end() {
    say("* the chat is over")
    members = [:]
  }

  private func leave(_ member: Member, _ how: String) {
    guard members.removeValue(forKey: ObjectIdentifier(member)) != nil else { return }
    member.connection.closeGracefully(within: .seconds(1))
    if let name = member.name { say("* \(name) \(how)") }
  }
}

final class Member {
  let connection: TCPConnection
  var name: String?

  init(_ connection: TCPConnection) { self.connection = connection }

  /// Sends a text; `false` if so much waits already that there is no room for it.
  @discardableResult
  func write(_ text: String) -> Bool {
    do {
      try connection.write(text)
      return true
    } catch { return error.code != .noBufferSpace }
  }
}
