import LockstepParallelism
import LockstepTensors

/// How a parameter is filled before training. Every element is a function of (seed, parameter,
/// position): the same on any number of ranks and threads.
public enum Initializer: Sendable, Hashable {
  case zeros
  case constant(Float)
  /// The normal distribution with mean 0.
  case normal(deviation: Float)
  /// The normal distribution with mean 0, of which what lies beyond ± bound is drawn again.
  case truncatedNormal(deviation: Float, bound: Float)
  /// The uniform distribution over -bound ..< bound.
  case uniform(bound: Float)
  /// A random matrix with orthogonal rows or columns, whichever are fewer, of length `gain`. A. Saxe,
  /// J. McClelland, S. Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep
  /// linear neural networks", 2014.
  case orthogonal(rows: Int, gain: Float = 1)

  public static let ones = Initializer.constant(1)

  /// PyTorch's default for a linear layer's weight and bias: uniform with bound 1 / √inputs.
  public static func linearDefault(inputs: Int) -> Initializer {
    .uniform(bound: 1 / Float(inputs).squareRoot())
  }

  /// Uniform with bound √(6 / (inputs + outputs)): activations and gradients keep their size through
  /// layers that are linear about 0. X. Glorot, Y. Bengio, "Understanding the difficulty of training
  /// deep feedforward neural networks", 2010, equation 16.
  public static func xavierUniform(inputs: Int, outputs: Int) -> Initializer {
    .uniform(bound: (6 / Float(inputs + outputs)).squareRoot())
  }

  /// Normal with deviation √(2 / (inputs + outputs)); Glorot and Bengio, 2010, equation 12.
  public static func xavierNormal(inputs: Int, outputs: Int) -> Initializer {
    .normal(deviation: (2 / Float(inputs + outputs)).squareRoot())
  }

  /// Uniform with bound √(6 / inputs): activations keep their size through layers with ReLU. K. He et
  /// al., "Delving Deep into Rectifiers", 2015, equation 10.
  public static func heUniform(inputs: Int) -> Initializer {
    .uniform(bound: (6 / Float(inputs)).squareRoot())
  }

  /// Normal with deviation √(2 / inputs); He et al., 2015, equation 10.
  public static func heNormal(inputs: Int) -> Initializer {
    .normal(deviation: (2 / Float(inputs)).squareRoot())
  }

  /// The same with all values times a factor.
  public func scaled(by factor: Float) -> Initializer {
    switch self {
    case .zeros: .zeros
    case .constant(let value): .constant(value * factor)
    case .normal(let deviation): .normal(deviation: deviation * factor)
    case .truncatedNormal(let deviation, let bound):
      .truncatedNormal(deviation: deviation * factor, bound: bound * factor)
    case .uniform(let bound): .uniform(bound: bound * factor)
    case .orthogonal(let rows, let gain): .orthogonal(rows: rows, gain: gain * factor)
    }
  }

  /// The same for one of `layers` layers whose outputs are added up, two a layer: times
  /// 1 / √(2 · layers), as in GPT-2.
  public func scaled(forResidualLayers layers: Int) -> Initializer {
    scaled(by: 1 / Float(2 * layers).squareRoot())
  }

  /// Fills `values` for the parameter with this index in its store.
  func fill(
    _ values: UnsafeMutableBufferPointer<Float>, seed: UInt64, parameterIndex: Int,
    on threads: ThreadPool
  ) {
    let stream = RandomStream(seed: seed, purpose: .initialization, site: parameterIndex)
    switch self {
    case .zeros: values.update(repeating: 0)
    case .constant(let value): values.update(repeating: value)
    case .normal(let deviation):
      stream.fillNormal(values, deviation: Double(deviation), on: threads)
    case .truncatedNormal(let deviation, let bound):
      fillTruncated(values, deviation: deviation, bound: bound, stream, on: threads)
    case .uniform(let bound): stream.fillUniform(values, bound: bound, on: threads)
    case .orthogonal(let rows, let gain):
      stream.fillNormal(values, deviation: 1, on: threads)
      orthogonalize(values, rows: rows, gain: Double(gain))
    }
  }

  /// Draws again, from a further stream each time, where a value lies beyond the bound.
  private func fillTruncated(
    _ values: UnsafeMutableBufferPointer<Float>, deviation: Float, bound: Float,
    _ stream: RandomStream, on threads: ThreadPool
  ) {
    stream.fillNormal(values, deviation: Double(deviation), on: threads)
    let spare = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
    defer { spare.deallocate() }
    spare.initialize(repeating: 0)
    var attempt = 0
    while values.contains(where: { abs($0) > bound }) {
      attempt += 1
      let next = RandomStream(
        seed: stream.seed, purpose: .initialization, site: stream.site, step: attempt)
      next.fillNormal(spare, deviation: Double(deviation), on: threads)
      for index in values.indices where abs(values[index]) > bound { values[index] = spare[index] }
    }
  }

  /// Makes the rows (or columns, where they are fewer) orthogonal by Gram and Schmidt's method,
  /// twice over, in double precision and one order.
  private func orthogonalize(
    _ values: UnsafeMutableBufferPointer<Float>, rows: Int, gain: Double
  ) {
    let columns = values.count / max(rows, 1)
    let isWide = rows <= columns
    let (count, length) = isWide ? (rows, columns) : (columns, rows)
    func place(_ vector: Int, _ element: Int) -> Int {
      isWide ? vector * columns + element : element * columns + vector
    }
    var vectors: [[Double]] = []
    for index in 0..<count {
      var vector = (0..<length).map { Double(values[place(index, $0)]) }
      for _ in 0..<2 {
        for other in vectors {
          let share = zip(vector, other).reduce(0.0) { $0 + $1.0 * $1.1 }
          for element in 0..<length { vector[element] -= share * other[element] }
        }
      }
      let norm = vector.reduce(0.0) { $0 + $1 * $1 }.squareRoot()
      for element in 0..<length { vector[element] /= norm }
      vectors.append(vector)
      for element in 0..<length { values[place(index, element)] = Float(gain * vector[element]) }
    }
  }
}
