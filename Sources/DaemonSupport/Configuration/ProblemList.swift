/// The problems of a file in the order of its lines: the first hundred, and how many there are.
///
/// A wrong file may have one in each of 200 000 lines. Nobody reads so many messages, and making them
/// would take seconds.
struct ProblemList: Equatable {
  /// Problems over this number are only counted.
  static let most = 100

  private(set) var count = 0
  /// The first problems, in their order.
  private(set) var first: [INIText.Problem] = []

  /// Adds the next problem; its message is made only if it will be shown.
  mutating func add(
    _ place: @autoclosure () -> INIText.Place, _ message: @autoclosure () -> String
  ) {
    count += 1
    guard first.count < Self.most else { return }
    first.append(INIText.Problem(place: place(), message: message()))
  }

  /// Adds the problems that another pass over the same file found.
  mutating func merge(_ other: ProblemList) {
    count += other.count
    first = Array((first + other.first).sorted { $0.place < $1.place }.prefix(Self.most))
  }
}
