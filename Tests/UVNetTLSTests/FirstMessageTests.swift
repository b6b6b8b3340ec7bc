#if TLS
  import TestTaskTestSupport
  import Testing
  import UVNet

  @testable import UVNetTLS

  struct FirstMessageTests {
    private static func error(_ pieces: [ArraySlice<UInt8>]) -> UVError? {
      var message = FirstMessage()
      for piece in pieces {
        if let error = message.judge(piece) { return error }
      }
      return nil
    }

    /// A record with contents of its own.
    private static func record(_ contents: [UInt8], type: UInt8 = 22) -> [UInt8] {
      [type, 3, 1, UInt8(contents.count >> 8), UInt8(contents.count & 0xff)] + contents
    }

    @Test func `a hello that is announced too long is refused, however it is cut`() throws {
      for (length, isRefused) in [
        (512, false), (16384, false), (16385, true), (131_000, true), (0xffffff, true),
      ] {
        let head: [UInt8] = [
          1, UInt8(length >> 16), UInt8(length >> 8 & 0xff), UInt8(length & 0xff),
        ]
        let streams = [
          Self.record(head + [3, 3]),
          // The head is divided over records, one of them empty.
          Self.record([1]) + Self.record([]) + Self.record(Array(head[1...])),
        ]
        for stream in streams {
          for cut in 0...stream.count {
            let error = Self.error([stream[..<cut], stream[cut...]])
            #expect((error?.code == .excessive) == isRefused, "\(length), cut at \(cut)")
          }
          #expect(
            (Self.error(stream.indices.map { stream[$0...$0] })?.code == .excessive) == isRefused)
        }
      }
    }

    @Test func `it is judged by its first bytes alone`() {
      var message = FirstMessage()
      let hello = Self.record([1, 0, 0, 100, 3, 3])
      #expect(message.judge(hello[..<8]) == nil && !message.isJudged)
      #expect(message.judge(hello[8...]) == nil && message.isJudged)
      // What follows would be wrong as a beginning.
      #expect(message.judge([0, 0]) == nil)
      for type: UInt8 in [20, 21, 23, 0x80, 0xff] {
        var message = FirstMessage()
        #expect(message.judge([type]) == nil && message.isJudged)
      }
    }

    @Test func `a server sends nothing to who announces too much, and is told why`() throws {
      let server = try TLSPair.Side(
        TLSSession(TLSServerContext(TLSServerOptions(identity: TestCertificate().identity()))))
      server.receive([22, 3, 1, 0x3e, 0x80, 1, 1, 0xff, 0])
      #expect(server.failure?.code == .excessive && server.failure?.operation == .handshake)
      #expect(server.failure?.detail == "its first message has 130816 bytes")
      #expect(server.outgoing.isEmpty)
    }
  }
#endif
