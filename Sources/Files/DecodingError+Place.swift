extension DecodingError {
  /// The outermost key that the error is about, and what is wrong there.
  package var placeAndProblem: (place: String?, problem: String) {
    switch self {
    case .dataCorrupted(let context):
      return (context.codingPath.first?.stringValue, "bad JSON: \(context.debugDescription)")
    case .keyNotFound(let key, let context):
      return (context.codingPath.first?.stringValue, "lacks '\(key.stringValue)'")
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      let key = context.codingPath.dropFirst().first.map { "'\($0.stringValue)': " } ?? ""
      return (context.codingPath.first?.stringValue, key + context.debugDescription)
    @unknown default:
      return (nil, "bad JSON: \(self)")
    }
  }
}
