/// What there is to see of a connection when it is looked at.
package struct Traffic {
  package var bytesRead: UInt64
  package var bytesWritten: UInt64
  /// Bytes that the kernel has not taken.
  package var unsent: Int

  package init(bytesRead: UInt64 = 0, bytesWritten: UInt64 = 0, unsent: Int = 0) {
    self.bytesRead = bytesRead
    self.bytesWritten = bytesWritten
    self.unsent = unsent
  }
}
