/// What a small predictor computes, with its parameters as numbers.
public enum PredictorFormula: Sendable, Equatable {
  /// y = Σ weight · feature + constant.
  case linear(weights: [Float], constant: Float)
  /// y = amplitude · sin(feature).
  case sine(amplitude: Float)
}

/// A predictor of one value whose parameters people can read.
public protocol FormulaPredictor: Predictor {
  /// Of normalised features; nil where it predicts more than one number. Its parameters are bound.
  var formula: PredictorFormula? { get }
}
