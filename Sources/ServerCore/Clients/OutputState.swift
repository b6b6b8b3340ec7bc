/// What a connection has still to send, at the time of an event.
package struct OutputState {
  /// Bytes that the kernel has not taken.
  package var unsent: Int
  /// Bytes that may be written before the connection is filled; 0 when it is.
  package var writable: Int

  package init(unsent: Int, writable: Int) {
    self.unsent = unsent
    self.writable = writable
  }
}
