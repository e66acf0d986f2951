import CLockstepKernels
import Synchronization

/// The fixed positions of "Attention is all you need" (Vaswani et al., 2017):
///
///     table[t, 2j] = sin(t · base^(-2j / D)),    table[t, 2j + 1] = cos(t · base^(-2j / D))
///
/// Rows are computed when they are first asked for: a model of a long context takes no memory for
/// positions that no sequence reaches.
public final class SinusoidalTable: Sendable {
  /// T rows.
  public let positions: Int
  /// D.
  public let width: Int
  private let frequencies: [Float]
  /// The rows up to the last one that was asked for.
  private let computed = Mutex<[Float]>([])

  /// - Parameters:
  ///   - positions: T.
  ///   - width: D, an even number.
  ///   - base: Default: 10,000.
  public init(positions: Int, width: Int, base: Double = 10_000) {
    frequencies = RotaryFrequencies(base: base, headWidth: width).values
    self.positions = positions
    self.width = width
  }

  /// Some rows, one after the other.
  ///
  /// - Parameter range: In 0 ..< T.
  public func rows(_ range: Range<Int>) -> ArraySlice<Float> {
    precondition(
      0 <= range.lowerBound && range.upperBound <= positions,
      "positions \(range) of \(positions)")
    return computed.withLock { elements in
      for position in elements.count / width..<max(elements.count / width, range.upperBound) {
        for frequency in frequencies {
          var (sine, cosine) = (0.0, 0.0)
          CKernels_sineAndCosine(Double(position) * Double(frequency), &sine, &cosine)
          elements.append(Float(sine))
          elements.append(Float(cosine))
        }
      }
      return elements[range.lowerBound * width..<range.upperBound * width]
    }
  }
}
