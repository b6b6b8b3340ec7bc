import UVNet

/// `async-chat [ADDRESS [SECONDS]]`: whoever connects says a name, and then every line goes to all
/// others.
///
/// Nobody waits for a slow reader: one that leaves more than 64 KiB unread is dropped. So is a client
/// that says nothing for so many seconds.
@main
struct AsyncChat: LoopProgram {
  static func main(on loop: EventLoop) async throws {
    let arguments = CommandLine.arguments.dropFirst()
    let room = Room()
    let idleTime = Duration.seconds(arguments.dropFirst().first.flatMap { Int($0) } ?? 300)
    var options = TCPListener.Options()
    options.writeLimits.maximumPendingBytes = 65536
    let listener = try AsyncListener.listen(
      at: SocketAddress(parsing: arguments.first ?? "127.0.0.1:7009", allowPortZero: true),
      on: loop, options: options)
    print("listening on \(listener.localAddress)")
    loop.task {
      try await listener.serve { connection in
        await room.serve(Member(connection), idleTime)
      }
    }
    _ = try await loop.signal(.terminate, .interrupt)
    room.end()
  }
}

/// Who is there.
@LoopActor final class Room {
  private var members: [ObjectIdentifier: Member] = [:]

  nonisolated init() {}

  func serve(_ member: Member, _ idleTime: Duration) async {
    members[ObjectIdentifier(member)] = member
    let how: String
    do {
      try await hear(member, idleTime)
      how = "left"
    } catch let error as UVError where error.code == .timedOut {
      how = "said nothing for too long"
    } catch FrameError<Never>.tooLong {
      how = "sent too long a line"
    } catch {
      how = "is gone"
    }
    leave(member, how)
  }

  private func hear(_ member: Member, _ idleTime: Duration) async throws {
    let connection = member.connection
    try await connection.write("your name?\n")
    var lines = connection.frames(using: .lines, maximumLength: 512).makeAsyncIterator()
    while let line = try await connection.loop.withTimeout(idleTime, { try await lines.next() }) {
      if let name = member.name {
        say("\(name): \(line)", from: member)
      } else {
        member.name = line
        say("* \(line) is here")
      }
    }
  }

  /// Tells all that have a name, but for the one who said it; it waits for none of them.
  private func say(_ line: String, from speaker: Member? = nil) {
    if line.hasPrefix("*") { print(line) }
    for other in members.values where other !== speaker && other.name != nil {
      if !other.write(line + "\n") {
        leave(other, "reads too slowly")
        other.connection.close()
      }
    }
  }

  func end() {
    say("* the chat is over")
    members = [:]
  }

  private func leave(_ member: Member, _ how: String) {
    guard members.removeValue(forKey: ObjectIdentifier(member)) != nil else { return }
    if let name = member.name { say("* \(name) \(how)") }
  }
}

final class Member {
  let connection: TCPConnection
  var name: String?

  init(_ connection: TCPConnection) { self.connection = connection }

  /// Sends a text; `false` if so much waits already that there is no room for it.
  func write(_ text: String) -> Bool {
    do {
      try connection.write(text)
      return true
    } catch { return error.code != .noBufferSpace }
  }
}
