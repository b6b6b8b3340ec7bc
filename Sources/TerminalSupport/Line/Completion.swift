/// Completions of the word before the cursor, for Tab.
package struct Completion: Hashable {
  /// The part of the word that is typed already.
  package var partial: String
  /// Whole words that begin with it, in the order to show them.
  package var candidates: [String]

  /// Keeps the words that begin with `partial`, each once.
  package init(partial: String, among words: [String]) {
    self.partial = partial
    candidates = words.reduce(into: []) { kept, word in
      if word.hasPrefix(partial), !kept.contains(word) { kept.append(word) }
    }
  }

  /// The longest beginning that all candidates share.
  package var commonPrefix: String {
    guard let first = candidates.first else { return partial }
    return candidates.dropFirst().reduce(first) { prefix, word in
      String(zip(prefix, word).prefix { $0 == $1 }.map(\.0))
    }
  }
}
