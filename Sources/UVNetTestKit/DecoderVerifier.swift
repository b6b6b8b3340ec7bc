public import UVNet

/// Feeds a decoder the same stream in every way in which a network may cut it, and compares what
/// comes out: whole, byte by byte, frame by frame, and cut in two at every place.
///
/// ```swift
/// let verifier = DecoderVerifier(maximumLength: 20) { .lines }
/// try verifier.verify("one\r\ntwo\n", gives: ["one", "two"])
/// try verifier.verify("one\ntw", gives: ["one"], then: .truncated(byteCount: 2))
/// ```
public struct DecoderVerifier<Decoder: Decoding> {
  /// A decoder that did not give what was expected.
  public struct Failure: Error, CustomStringConvertible {
    /// The failure in words.
    public let description: String
  }

  private let maximumLength: Int
  private let makeDecoder: () -> Decoder

  /// Makes a verifier.
  ///
  /// - Parameters:
  ///   - maximumLength: The most bytes of a frame, as for
  ///     ``UVNet/StreamConnection/frames(using:maximumLength:)``.
  ///   - makeDecoder: Makes a decoder for the beginning of a stream.
  public init(maximumLength: Int = 65536, _ makeDecoder: @escaping () -> Decoder) {
    self.maximumLength = maximumLength
    self.makeDecoder = makeDecoder
  }

  /// Checks that a stream gives frames, and that it ends after a whole one.
  ///
  /// - Parameters:
  ///   - stream: The bytes of the whole stream.
  ///   - frames: The frames that it must give.
  /// - Throws: ``Failure``, with the pieces that gave something else.
  public func verify(_ stream: [UInt8], gives frames: [Decoder.Frame]) throws(Failure)
  where Decoder.Frame: Equatable {
    try feed(stream) { $0 == frames && $1 == nil ? nil : "\(frames)" }
  }

  /// Checks that a text gives frames, and that it ends after a whole one.
  ///
  /// - Parameters:
  ///   - stream: The whole stream, which is sent as UTF-8.
  ///   - frames: The frames that it must give.
  /// - Throws: ``Failure``, with the pieces that gave something else.
  public func verify(_ stream: String, gives frames: [Decoder.Frame]) throws(Failure)
  where Decoder.Frame: Equatable {
    try verify(Array(stream.utf8), gives: frames)
  }

  /// Checks that a stream gives frames and then an error.
  ///
  /// - Parameters:
  ///   - stream: The bytes of the whole stream.
  ///   - frames: The frames that it must give before the error.
  ///   - error: The error.
  /// - Throws: ``Failure``, with the pieces that gave something else.
  public func verify(
    _ stream: [UInt8], gives frames: [Decoder.Frame], then error: FrameError<Decoder.Failure>
  ) throws(Failure) where Decoder.Frame: Equatable, Decoder.Failure: Equatable {
    try feed(stream) { $0 == frames && $1 == error ? nil : "\(frames), then \(error)" }
  }

  /// Checks that a text gives frames and then an error.
  ///
  /// - Parameters:
  ///   - stream: The whole stream, which is sent as UTF-8.
  ///   - frames: The frames that it must give before the error.
  ///   - error: The error.
  /// - Throws: ``Failure``, with the pieces that gave something else.
  public func verify(
    _ stream: String, gives frames: [Decoder.Frame], then error: FrameError<Decoder.Failure>
  ) throws(Failure) where Decoder.Frame: Equatable, Decoder.Failure: Equatable {
    try verify(Array(stream.utf8), gives: frames, then: error)
  }
}

extension DecoderVerifier {
  /// The most places at which a long stream is cut in two.
  private static var mostCuts: Int { 2048 }

  /// Feeds `stream` in all ways; `compare` returns what was expected if something else came, else
  /// `nil`.
  private func feed(
    _ stream: [UInt8],
    _ compare: ([Decoder.Frame], FrameError<Decoder.Failure>?) -> String?
  ) throws(Failure) {
    let whole = try run(stream, in: [stream.count], compare)
    try run(stream, in: Array(repeating: 1, count: stream.count), compare)
    try run(stream, in: whole + [stream.count - whole.reduce(0, +)], compare)
    for cut in stride(from: 1, to: stream.count, by: stream.count / Self.mostCuts + 1) {
      try run(stream, in: [cut, stream.count - cut], compare)
    }
  }

  /// Feeds `stream` in pieces of the given lengths.
  ///
  /// - Returns: The bytes of each frame.
  @discardableResult
  private func run(
    _ stream: [UInt8], in pieces: [Int],
    _ compare: ([Decoder.Frame], FrameError<Decoder.Failure>?) -> String?
  ) throws(Failure) -> [Int] {
    var feeding = Feeding(stream, FrameCutter(makeDecoder(), maximumLength: maximumLength))
    for piece in pieces where piece > 0 { feeding.feed(piece) }
    feeding.finish()
    let description = pieces.count > 8 ? "byte by byte" : "in pieces of \(pieces)"
    if let mistake = feeding.mistake { throw Failure(description: "\(description): \(mistake)") }
    guard let expected = compare(feeding.frames, feeding.error) else { return feeding.lengths }
    let error = feeding.error.map { ", then \($0)" } ?? ""
    throw Failure(description: "\(description): \(feeding.frames)\(error); expected: \(expected)")
  }

  /// A stream that comes in pieces, and what a decoder has made of it so far.
  private struct Feeding {
    private let stream: [UInt8]
    private var cutter: FrameCutter<Decoder>
    private var start = 0
    private var end = 0
    private var needed = 1
    private(set) var frames: [Decoder.Frame] = []
    private(set) var lengths: [Int] = []
    private(set) var error: FrameError<Decoder.Failure>?
    private(set) var mistake: String?

    init(_ stream: [UInt8], _ cutter: FrameCutter<Decoder>) {
      self.stream = stream
      self.cutter = cutter
    }

    mutating func feed(_ count: Int) {
      end += count
      while end - start >= needed, cut(isAtEnd: false) {}
    }

    mutating func finish() {
      while start < end, cut(isAtEnd: true) {}
    }

    /// Asks for a frame, as a connection does; whether there was one.
    private mutating func cut(isAtEnd: Bool) -> Bool {
      guard error == nil, mistake == nil else { return false }
      do throws(FrameError<Decoder.Failure>) {
        let stream = self.stream
        switch unsafe try cutter.cut(stream.span.bytes.extracting(start..<end), isAtEnd: isAtEnd) {
        case .needs(let byteCount):
          needed = byteCount
          return false
        case .frame(let frame, let consumed):
          // A peer that waits for an answer to this frame would send no more, so asking for bytes
          // beyond the frame hangs. At the end of the stream the decoder may have asked for one
          // byte more.
          if consumed < needed, !isAtEnd || needed > end - start + 1 {
            mistake = "asked for \(needed) bytes of a frame of \(consumed)"
          }
          frames.append(frame)
          lengths.append(consumed)
          start += consumed
          needed = 1
          return true
        }
      } catch {
        self.error = error
        return false
      }
    }
  }
}
