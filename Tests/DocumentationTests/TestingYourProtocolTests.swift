import Testing
import UVNet
import UVNetTestKit

@Test func `each line is answered in capitals`() throws {
  try LoopHarness.run { loop, calls in
    try loop.withConnectedPair { client, server in
      var lines = LineSplitter(maximumLength: 80)
      server.start(
        .init(onData: { server, bytes in
          do {
            try lines.split(bytes) { line in
              do { try server.write(String(decoding: line).uppercased()) } catch { server.close() }
            }
          } catch { server.close() }
        }))
      client.start(
        .init(onData: { client, bytes in
          calls.record(String(decoding: bytes))
          client.closeGracefully()
        }))
      do { try client.write("hello\n") } catch { client.close() }
    }
    calls.expect(["HELLO"])
  }
}
