extension [Float] {
  /// Of the first, where several are equal.
  var indexOfLargest: Int {
    indices.reduce(0) { self[$1] > self[$0] ? $1 : $0 }
  }
}
