/// What may stand between a connection's socket and the program, such as TLS: it turns the bytes of
/// one into the bytes of the other.
///
/// A state machine without I/O. The connection tells it of events by the functions below; it acts by
/// ``StreamConnection/send(_:)``, ``StreamConnection/deliver(_:)``, ``StreamConnection/transformIsReady()``,
/// ``StreamConnection/deliverEnd()`` and ``StreamConnection/fail(with:)``, in any of these functions and
/// at no other time. The program may be called back by each of them, and may write, pause or close
/// there: a transform must not be in the middle of a change then.
///
/// It holds no reference to the connection, which holds it until the close callback.
package protocol StreamTransform: AnyObject {
  /// The connection is there: the handshake begins, and may send its first bytes.
  ///
  /// - Parameter connection: The connection.
  func begin(on connection: StreamConnection)

  /// Bytes came from the socket, in the handshake or after it.
  ///
  /// What they mean to the program, bytes and the peer's end, is delivered while
  /// ``StreamConnection/wantsBytes``, and held back otherwise; ``resume(on:)`` comes when it is wanted.
  /// Nothing more is read while bytes are not wanted, so that no more than one read has to be held.
  ///
  /// - Parameters:
  ///   - bytes: The bytes, valid during the call only.
  ///   - connection: The connection.
  func receive(_ bytes: RawSpan, on connection: StreamConnection)

  /// The program wants bytes, those first that were held back.
  ///
  /// - Parameter connection: The connection.
  func resume(on connection: StreamConnection)

  /// The socket's stream has ended, without ``StreamConnection/deliverEnd()`` before: in the
  /// handshake, or cut off unless the protocol allows such an end.
  ///
  /// - Parameter connection: The connection.
  func receiveSocketEnd(on connection: StreamConnection)

  /// The program writes, after the handshake: what these bytes become is sent.
  ///
  /// - Parameters:
  ///   - bytes: The bytes, valid during the call only.
  ///   - connection: The connection.
  /// - Throws: Why they cannot be sent; nothing of them may have been.
  func write(_ bytes: RawSpan, on connection: StreamConnection) throws(UVError)

  /// The program ends its stream, or closes a connection that has not failed: what says so to the
  /// peer is sent, and nothing after it.
  ///
  /// Called at most once, and only after the handshake.
  ///
  /// - Parameter connection: The connection.
  func end(on connection: StreamConnection)
}

/// The one place for a transform that a connection has.
final class TransformSlot {
  let transform: any StreamTransform
  /// Who waits for the end of the handshake.
  var completion: ((Result<Void, UVError>) -> Void)?
  var timer: LoopTimer?
  /// The handshake is over.
  var isReady = false
  /// Whoever waited for the handshake has been told of its end.
  var isOpen = false
  var hasEnded = false
  /// The program is writing: its bytes were counted before they grew by the transform.
  var isWriting = false
  /// It will resume on the next turn.
  var isResuming = false

  init(_ transform: any StreamTransform) { self.transform = transform }
}
