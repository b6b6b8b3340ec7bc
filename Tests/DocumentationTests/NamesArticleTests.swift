import Testing
import UVNet
import UVNetTestKit

/// Runs the code of the article on names.
@Suite(.serialized) struct NamesArticleTests {
  @Test func `names: a client`() throws {
    try LoopHarness.run { loop, calls in
      let port = try UVNetArticleTests.listenOnce(on: loop).localAddress.port
      func print(_ text: String) { calls.record(text) }
      TCPConnection.connect(host: "localhost", port: port, on: loop) { result in
        do throws(UVError) {
          let connection = try result.get()
          print("connected")
          connection.close()
        } catch {
          print("no connection: \(error)")
        }
      }
      calls.expect(["connected"])
    }
  }

  @Test func `names: a listener at all addresses`() throws {
    try LoopHarness.run { loop, _ in
      func print(_ text: String) {
        #expect(text.hasPrefix("listening on "))
      }
      TCPListener.listen(
        host: "localhost", port: 0, on: loop,
        onConnection: { _, connection in connection.close() },
        completion: { result in
          do throws(UVError) {
            for listener in try result.get() {
              print("listening on \(listener.localAddress)")
              listener.close()
            }
          } catch {
            print("not listening: \(error)")
          }
        })
    }
  }

  @Test func `names: listening in a task`() async throws {
    try await AsyncHarness.run { loop in
      var printed: [String] = []
      func print(_ text: String) { printed.append(text) }
      let listener = try await AsyncListener.listen(host: "localhost", port: 0, on: loop)
      print("listening on \(listener.localAddresses)")
      #expect(printed.first?.contains("127.0.0.1:\(listener.localAddress.port)") == true)
      listener.close()
    }
  }

  @Test func `names: a service`() throws {
    try LoopHarness.run { loop, calls in
      // A system without a list of services knows none.
      func print(_ text: String) { calls.record(text.contains("found") ? "told" : text) }
      Resolver.resolve("localhost", service: "https", timeout: .seconds(5), on: loop) { result in
        switch result {
        case .success(let addresses): print("found \(addresses)")
        case .failure(let error): print("not found: \(error)")
        }
      }
      calls.expect(["told"])
    }
  }
}
