/// What may stand between a connection's socket and the program, such as TLS: it turns the bytes of
/// one into the bytes of the other.
///
/// A state machine without I/O. The connection reports events by the functions below; the transform
/// acts by ``StreamConnection/send(_:)``, ``StreamConnection/deliver(_:)``,
/// ``StreamConnection/transformIsReady()``, ``StreamConnection/deliverEnd()`` and
/// ``StreamConnection/fail(with:)``, in any of these functions and at no other time. The program
/// may be called back by each of them, and may write, pause or close there: a transform must not be
/// in the middle of a change then.
///
/// It holds no reference to the connection, which holds it until the close callback.
package protocol StreamTransform: AnyObject {
  /// Begins the handshake, which may send its first bytes.
  ///
  /// - Parameter connection: The connection.
  func begin(on connection: StreamConnection)

  /// Bytes came from the socket, in the handshake or after it.
  ///
  /// The program's bytes and the peer's end that they contain are delivered while
  /// ``StreamConnection/wantsBytes`` is true. Otherwise they are held back until ``resume(on:)`` is
  /// called. Nothing more is read while bytes are not wanted, so that no more than one read has to
  /// be held.
  ///
  /// - Parameters:
  ///   - bytes: The bytes, valid during the call only.
  ///   - connection: The connection.
  func receive(_ bytes: RawSpan, on connection: StreamConnection)

  /// Delivers what was held back: the program wants bytes again.
  ///
  /// - Parameter connection: The connection.
  func resume(on connection: StreamConnection)

  /// The socket's stream has ended, without ``StreamConnection/deliverEnd()`` before: in the
  /// handshake, or cut off unless the protocol allows such an end.
  ///
  /// - Parameter connection: The connection.
  func receiveSocketEnd(on connection: StreamConnection)

  /// Transforms and sends bytes that the program writes after the handshake.
  ///
  /// - Parameters:
  ///   - bytes: The bytes, valid during the call only.
  ///   - connection: The connection.
  /// - Throws: Why they cannot be sent; nothing of them may have been.
  func write(_ bytes: RawSpan, on connection: StreamConnection) throws(UVError)

  /// Sends the peer the end of the stream, and nothing after it: the program ends its stream, or
  /// closes a connection that has not failed.
  ///
  /// Called at most once, and only after the handshake.
  ///
  /// - Parameter connection: The connection.
  func end(on connection: StreamConnection)
}

/// A connection's transform, with the state of its handshake.
final class TransformSlot {
  let transform: any StreamTransform
  /// Called when the handshake is over.
  var completion: ((Result<Void, UVError>) -> Void)?
  var timer: LoopTimer?
  /// The handshake is over.
  var isReady = false
  /// The handshake's completion is called, so that bytes may be delivered.
  var isOpen = false
  var hasEnded = false
  /// The program is writing: its bytes were counted before they grew by the transform.
  var isWriting = false
  /// The transform resumes on the next turn.
  var isResuming = false

  init(_ transform: any StreamTransform) { self.transform = transform }
}
