/// Finds the name that somebody who mistyped probably meant.
enum NearestName {
  /// The candidate closest to `word` without regard to case, if it is close enough to be meant.
  static func of(_ word: String, among candidates: [String]) -> String? {
    let typed = Array(word.lowercased().utf8.prefix(64))
    let best = candidates.min { distance(typed, $0) < distance(typed, $1) }
    guard let best else { return nil }
    // A third of the letters wrong is a typing error; more is another word.
    return distance(typed, best) <= max(1, best.utf8.count / 3) ? best : nil
  }

  /// Insertions, deletions, replacements and swaps of neighbours that lead from one to the other.
  private static func distance(_ typed: [UInt8], _ name: String) -> Int {
    let name = Array(name.lowercased().utf8)
    var previous: [Int] = []
    var current = Array(0...name.count)
    for (row, letter) in typed.enumerated() {
      var next = [row + 1]
      for (column, wanted) in name.enumerated() {
        var cost = min(
          next[column] + 1, current[column + 1] + 1, current[column] + (letter == wanted ? 0 : 1))
        if row > 0, column > 0, letter == name[column - 1], typed[row - 1] == wanted {
          cost = min(cost, previous[column - 1] + 1)
        }
        next.append(cost)
      }
      (previous, current) = (current, next)
    }
    return current[name.count]
  }
}
