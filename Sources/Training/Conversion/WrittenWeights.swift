import LockstepWeights

/// Tensors that were written, to be compared with those that were meant.
struct WrittenWeights {
  private let source: any WeightSource

  init(_ source: any WeightSource) {
    self.source = source
  }

  /// Elements at a time.
  private static let chunk = 1 << 20

  /// The largest difference of two elements.
  ///
  /// - Parameters:
  ///   - parameters: Under the names that they have in the source.
  ///   - isExact: Whether there must be none, in no bit.
  ///   - progress: Told how many elements are compared.
  /// - Throws: `WeightError`; `ConversionError.differs`.
  func largestError(
    of parameters: [TensorView], isExact: Bool, progress: (Int) -> Void
  ) throws -> Double {
    var (largest, done) = (0.0, 0)
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: Self.chunk)
    defer { buffer.deallocate() }
    for parameter in parameters {
      let count = parameter.values.count
      for start in stride(from: 0, to: count, by: Self.chunk) {
        let elements = start..<min(start + Self.chunk, count)
        let found = UnsafeMutableBufferPointer(rebasing: buffer[..<elements.count])
        try source.read(
          parameter.name, shape: parameter.shape, elements: elements, into: found)
        for (offset, index) in elements.enumerated() {
          let (meant, stored) = (parameter.values[index], found[offset])
          if meant.bitPattern == stored.bitPattern || meant.isNaN && stored.isNaN { continue }
          if isExact {
            throw ConversionError.differs(path: source.path, tensor: parameter.name)
          }
          largest = max(largest, Double(abs(meant - stored)))
        }
        done += elements.count
        progress(done)
      }
    }
    return largest
  }
}
