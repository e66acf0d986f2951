extension [Float] {
  /// The place of the largest element; of several equal ones that of the first.
  var indexOfLargest: Int {
    indices.reduce(0) { self[$1] > self[$0] ? $1 : $0 }
  }
}
