extension Question {
  /// A query for it, which wants the server to look further where it does not know.
  package func query(id: UInt16) -> Message {
    var bytes: [UInt8] = [
      UInt8(id >> 8), UInt8(truncatingIfNeeded: id), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0,
    ]
    bytes += name
    for word in [type, recordClass] {
      bytes += [UInt8(word >> 8), UInt8(truncatingIfNeeded: word)]
    }
    do {
      return try Message(bytes)
    } catch {
      preconditionFailure("a question's name is one that can be asked: \(error)")
    }
  }
}

extension Message {
  /// Whether it is the answer to a query: its number and its question are the query's.
  package func answers(_ query: Message) -> Bool {
    isResponse && id == query.id && question == query.question
  }

  /// The IPv4 addresses in the answer.
  package var addresses: [[UInt8]] {
    records.filter { $0.section == .answer && $0.type == 1 && $0.data.count == 4 }
      .map { Array(bytes[$0.data]) }
  }
}
