import Parallelism
import Tensors

/// How a parameter is filled before training. Every element is a function of (seed, parameter,
/// position): the same on any number of ranks and threads.
public enum Initializer: Sendable, Hashable {
  case zeros
  case ones
  /// The normal distribution with mean 0.
  case normal(deviation: Float)
  /// The uniform distribution over -bound ..< bound.
  case uniform(bound: Float)

  /// PyTorch's default for a linear layer's weight and bias: uniform with bound 1 / √inputs.
  public static func linearDefault(inputs: Int) -> Initializer {
    .uniform(bound: 1 / Float(inputs).squareRoot())
  }

  /// Fills `values` for the parameter with this index in its store.
  func fill(
    _ values: UnsafeMutableBufferPointer<Float>, seed: UInt64, parameterIndex: Int,
    on threads: ThreadPool
  ) {
    let stream = RandomStream(seed: seed, purpose: .initialization, site: parameterIndex)
    switch self {
    case .zeros: values.update(repeating: 0)
    case .ones: values.update(repeating: 1)
    case .normal(let deviation):
      stream.fillNormal(values, deviation: Double(deviation), on: threads)
    case .uniform(let bound): stream.fillUniform(values, bound: bound, on: threads)
    }
  }
}
