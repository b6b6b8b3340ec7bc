#if TLS
  internal import UVNet

  /// What a peer's first bytes say before OpenSSL takes them: whether they may be TLS, and how long its
  /// first message is.
  ///
  /// OpenSSL judges five bytes together and waits for them, so that a peer of another protocol which has
  /// sent fewer, and waits for an answer, would be given up for its silence only. And it sets memory aside
  /// for a message as soon as its length is known: nine bytes would cost 131 kB.
  struct FirstMessage {
    /// The longest first message that is taken; those of today have at most a few thousand bytes.
    static let mostBytes = 16384

    /// Whether there is nothing more to judge.
    private(set) var isJudged = false
    /// Bytes of the record's head that came, the length that it says, and what is to come of that.
    private var headCount = 0
    private var recordLength = 0
    private var rest = 0
    /// Bytes of the message's head that came, and its length as far as it is known.
    private var messageHeadCount = 0
    private var length = 0

    /// Judges what came; after ``isJudged`` there is no need to.
    ///
    /// - Parameter bytes: The next bytes of the peer's.
    /// - Returns: What is wrong; `nil` while nothing is.
    mutating func judge(_ bytes: some Sequence<UInt8>) -> UVError? {
      for byte in bytes {
        guard !isJudged else { break }
        if let error = rest == 0 ? judgeRecordHead(byte) : judgeContents(byte) {
          isJudged = true
          return error
        }
      }
      return nil
    }

    private mutating func judgeRecordHead(_ byte: UInt8) -> UVError? {
      switch headCount {
      case 0:
        // The types of records (RFC 8446 section 5.1), or a hello in the format of SSL 2.0, which RFC 5246
        // appendix E.2 allows.
        guard (20...23).contains(byte) || byte >= 0x80 else {
          return TLSFailure.tls(
            .notTLS, detail: "its first byte is \(byte)", during: .handshake)
        }
        // Anything but a handshake is OpenSSL's to refuse.
        isJudged = byte != 22
      case 3: recordLength = Int(byte) << 8
      case 4: rest = recordLength | Int(byte)
      default: break
      }
      headCount = (headCount + 1) % 5
      return nil
    }

    private mutating func judgeContents(_ byte: UInt8) -> UVError? {
      rest -= 1
      messageHeadCount += 1
      guard messageHeadCount > 1 else { return nil }
      length = length << 8 | Int(byte)
      guard messageHeadCount == 4 else { return nil }
      isJudged = true
      guard length > Self.mostBytes else { return nil }
      return TLSFailure.tls(
        .excessive, detail: "its first message has \(length) bytes", during: .handshake)
    }
  }
#endif
