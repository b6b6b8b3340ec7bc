/// How a daemon counts its clients together with other processes.
package struct SharedCount {
  /// Called with the number of clients of this daemon, whenever it has changed.
  package var publish: (Int) -> Void
  /// Counts the clients of all other processes; it may cost system calls.
  package var others: () -> Int

  package init(publish: @escaping (Int) -> Void, others: @escaping () -> Int) {
    self.publish = publish
    self.others = others
  }
}
