import CLockstepKernels

/// The fixed positions of "Attention is all you need" (Vaswani et al., 2017):
///
///     table[t, 2j] = sin(t · base^(-2j / D)),    table[t, 2j + 1] = cos(t · base^(-2j / D))
public struct SinusoidalTable: Sendable {
  /// T rows.
  public let positions: Int
  /// D.
  public let width: Int
  /// [T, D].
  public let elements: [Float]

  /// - Parameters:
  ///   - positions: T.
  ///   - width: D, an even number.
  ///   - base: Default: 10,000.
  public init(positions: Int, width: Int, base: Double = 10_000) {
    let frequencies = RotaryFrequencies(base: base, headWidth: width).values
    self.positions = positions
    self.width = width
    elements = (0..<positions).flatMap { position in
      frequencies.flatMap { frequency in
        var (sine, cosine) = (0.0, 0.0)
        CKernels_sineAndCosine(Double(position) * Double(frequency), &sine, &cosine)
        return [Float(sine), Float(cosine)]
      }
    }
  }
}
