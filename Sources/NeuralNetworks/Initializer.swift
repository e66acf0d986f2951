import Foundation
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
    guard let base = values.baseAddress else { return }
    let stream = RandomStream(seed: seed, purpose: .initialization, site: parameterIndex)
    switch self {
    case .zeros:
      values.update(repeating: 0)
    case .ones:
      values.update(repeating: 1)
    case .normal(let deviation):
      forEachFour(values.count, on: threads) { position, indices in
        let words = stream.words(at: position)
        let first = Self.normalPair(words.0, words.1)
        let second = Self.normalPair(words.2, words.3)
        let four = SIMD4(first.0, first.1, second.0, second.1)
        for index in indices { base[index] = Float(four[index % 4]) * deviation }
      }
    case .uniform(let bound):
      forEachFour(values.count, on: threads) { position, indices in
        let words = stream.words(at: position)
        let four = SIMD4(words.0, words.1, words.2, words.3)
        for index in indices {
          base[index] = Float(Double(four[index % 4]) * 0x1p-31 - 1) * bound
        }
      }
    }
  }

  /// Box and Muller's pair of normal numbers from two words.
  @inline(__always)
  private static func normalPair(_ a: UInt32, _ b: UInt32) -> (Double, Double) {
    let radius = (-2 * log((Double(a) + 0.5) * 0x1p-32)).squareRoot()
    let angle = 2 * Double.pi * Double(b) * 0x1p-32
    return (radius * cos(angle), radius * sin(angle))
  }

  /// Visits 0 ..< count four indices at a time, with the position in the stream of each four.
  private func forEachFour(
    _ count: Int, on threads: ThreadPool, _ body: (_ position: Int, _ indices: Range<Int>) -> Void
  ) {
    let fours = (count + 3) / 4
    threads.run(over: fours, grain: 4096) { range in
      for position in range { body(position, position * 4..<min(position * 4 + 4, count)) }
    }
  }
}
