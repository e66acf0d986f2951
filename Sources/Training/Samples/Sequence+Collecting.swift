extension Sequence where Element: RandomAccessCollection {
  /// The first so many elements of all collections, of which no more are made than needed.
  func prefix(collecting count: Int) -> [Element.Element] {
    var found: [Element.Element] = []
    for some in self {
      found += some.prefix(count - found.count)
      if found.count == count { break }
    }
    return found
  }
}
