import UVNet

/// `LossyRelay LISTEN TARGET` passes datagrams on, like a bad network: it loses every fourth, sends
/// every fifth twice, and every third 30 ms late, so that others overtake it.
///
/// By number and not by chance, so that no run has bad luck. Each such deed is a line of output.
@main
final class LossyRelay {
  private let loop: EventLoop
  private let front: UDPSocket
  private let target: SocketAddress
  private var backs: [SocketAddress: UDPSocket] = [:]
  private var count = 0

  static func main() throws {
    let arguments = CommandLine.arguments
    guard arguments.count == 3 else { return print("usage: LossyRelay LISTEN TARGET") }
    let loop = try EventLoop()
    let address = try SocketAddress(parsing: arguments[1], allowPortZero: true)
    let relay = try LossyRelay(address, SocketAddress(parsing: arguments[2]), loop)
    print("listening on \(relay.front.localAddress)")
    loop.run()
  }

  init(_ address: SocketAddress, _ target: SocketAddress, _ loop: EventLoop) throws {
    self.loop = loop
    self.target = target
    front = try UDPSocket.bind(to: address, on: loop)
    front.start(
      .init(onDatagram: { [unowned self] _, bytes, origin in
        guard let back = back(for: origin.sender) else { return }
        pass([UInt8](bytes)) { _ = try? back.send($0) }
      }))
  }

  /// The socket that stands for one client.
  private func back(for client: SocketAddress) -> UDPSocket? {
    if let back = backs[client] { return back }
    guard let back = try? UDPSocket.bind(to: SocketAddress(.any, port: 0), on: loop),
      (try? back.connect(to: target)) != nil
    else { return nil }
    backs[client] = back
    back.start(
      .init(onDatagram: { [unowned self] _, bytes, _ in
        pass([UInt8](bytes)) { [self] in _ = try? front.send($0, to: client) }
      }))
    return back
  }

  private func pass(_ bytes: [UInt8], _ send: @escaping ([UInt8]) -> Void) {
    count += 1
    if count % 4 == 0 { return print("lost") }
    if count % 5 == 0 {
      print("twice")
      send(bytes)
    }
    guard count % 3 == 0 else { return send(bytes) }
    print("late")
    LoopTimer.after(.milliseconds(30), on: loop) { _ in send(bytes) }
  }
}
