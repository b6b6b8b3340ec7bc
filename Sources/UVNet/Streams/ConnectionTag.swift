extension StreamConnection {
  /// Keeps a value of the program's own with the connection, such as a place in its table of
  /// sessions.
  ///
  /// It costs no memory: a connection has one word for it.
  ///
  /// - Parameter tag: The value.
  @inlinable
  public final func setTag<Tag: RawRepresentable>(_ tag: Tag) where Tag.RawValue == Int {
    rawTag = tag.rawValue
  }

  /// The value that ``setTag(_:)`` has kept.
  ///
  /// - Parameter type: Its type, the same for all connections of a kind: what was kept as another
  ///   type is read as its number.
  /// - Returns: The value; when none was kept the one whose raw value is 0, or `nil` if there is
  ///   none.
  @inlinable
  public final func tag<Tag: RawRepresentable>(as type: Tag.Type) -> Tag?
  where Tag.RawValue == Int {
    Tag(rawValue: rawTag)
  }
}
