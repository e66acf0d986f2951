/// Spans of a sequence that are hidden or cut out: as many elements, in as many spans, whatever the
/// random numbers (C. Raffel et al., "Exploring the limits of transfer learning with a unified
/// text-to-text transformer", 2020).
struct NoiseSpans {
  /// Elements in all spans.
  let noiseCount: Int
  let spanCount: Int
  private let length: Int

  /// - Parameters:
  ///   - length: Elements of the sequence.
  ///   - share: Of the elements that are in spans; at least one is, and at least one is not.
  ///   - meanLength: Elements in a span, on average.
  init(length: Int, share: Double, meanLength: Int) {
    self.length = length
    noiseCount = max(1, min(length - 1, Int((share * Double(length)).rounded())))
    let wanted = (2 * noiseCount + meanLength) / (2 * meanLength)
    spanCount = max(1, min(wanted, noiseCount, length - noiseCount))
  }

  /// The spans in order. The sequence begins with an element that is in none, spans do not touch, and
  /// the last one ends the sequence.
  func ranges(_ draws: SequenceDraws) -> [Range<Int>] {
    let kept = draws.segments(of: length - noiseCount, parts: spanCount, use: 1)
    let noise = draws.segments(of: noiseCount, parts: spanCount, use: 2)
    var start = 0
    return zip(kept, noise).map { kept, noise in
      defer { start += kept + noise }
      return start + kept..<start + kept + noise
    }
  }
}
