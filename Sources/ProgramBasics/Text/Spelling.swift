/// Finds the word that a mistyped one was meant to be, for "did you mean".
public enum Spelling {
  /// The candidate nearest to `word`, if it is near enough to suggest.
  ///
  /// - Parameters:
  ///   - word: What was typed, in any case.
  ///   - candidates: The words that it may have been meant to be, in lower case.
  /// - Returns: A candidate that `word` begins, or one with at most half of its letters different.
  public static func nearest(to word: String, among candidates: [String]) -> String? {
    // A long word is not compared: it is not a typing mistake, and the cost is quadratic.
    guard !word.isEmpty, word.utf8.count <= 64 else { return nil }
    let word = word.lowercased()
    if let completed = candidates.first(where: { $0.hasPrefix(word) }) { return completed }
    let ranked = candidates.map { (distance: distance(word, $0), word: $0) }
    guard let best = ranked.min(by: { $0.distance < $1.distance }) else { return nil }
    return best.distance <= max(1, best.word.count / 2) && best.distance < best.word.count
      ? best.word : nil
  }

  /// How many letters must be added, dropped, changed or swapped with their neighbour.
  static func distance(_ left: String, _ right: String) -> Int {
    let left = Array(left)
    let right = Array(right)
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for i in left.indices {
      var row = [i + 1]
      for j in right.indices {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
        if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
          best = min(best, beforeLast[j - 1] + 1)
        }
        row.append(best)
      }
      beforeLast = last
      last = row
    }
    return last[right.count]
  }
}
