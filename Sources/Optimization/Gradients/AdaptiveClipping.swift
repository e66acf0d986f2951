import CLockstepKernels
import LockstepParallelism

/// Scales down the gradient of every unit (a row of a matrix, or a vector) that is longer than a
/// share of the unit's weights.
///
/// A unit's squares are summed over fixed blocks of the flat buffer, then over its blocks in order.
/// Ranks own whole blocks; the sums of units that lie in one block alone concern one rank,
/// the others' go to all ranks. Neither depends on which rank owns what.
final class AdaptiveClipping {
  private let share: Double
  private let layout: ParameterLayout
  private let peers: any OptimizerPeers
  private let threads: ThreadPool
  /// Consecutive units of one length among this rank's elements, none of which crosses a block's border.
  private struct Whole {
    let start: Int
    let length: Int
    let count: Int
  }
  private var wholes: [Whole] = []
  /// The part in one block of a unit that crosses a border.
  private struct Part {
    let unit: Int
    let elements: Range<Int>
  }
  /// All ranks' parts, in the order of the buffer.
  private var parts: [Part] = []
  private var crossingCount = 0
  /// Of each rank, which of the parts are its own.
  private var places: [[Int]] = []

  private static let blockSize = 65_536
  /// The norm that weights count as at least: units of zeros must be able to begin.
  private static let smallestNorm = 1e-3

  init(
    share: Double, layout: ParameterLayout, peers: any OptimizerPeers, threads: ThreadPool
  ) {
    self.share = share
    self.layout = layout
    self.peers = peers
    self.threads = threads
    for tensor in layout.tensors where !tensor.range.isEmpty {
      let length = tensor.matrix?.columns ?? tensor.range.count
      var next = tensor.range.lowerBound
      while next < tensor.range.upperBound {
        let blockEnd = (next / Self.blockSize + 1) * Self.blockSize
        let count = (min(blockEnd, tensor.range.upperBound) - next) / length
        if count > 0 {
          if layout.ownParts.contains(where: { $0.contains(next) }) {
            wholes.append(Whole(start: next, length: length, count: count))
          }
          next += count * length
        } else {
          addCrossing(next..<next + length)
          next += length
        }
      }
    }
    places = layout.parts.map { owned in
      parts.indices.filter { place in
        owned.contains { $0.contains(parts[place].elements.lowerBound) }
      }
    }
  }

  private func addCrossing(_ unit: Range<Int>) {
    var start = unit.lowerBound
    while start < unit.upperBound {
      let end = min(unit.upperBound, (start / Self.blockSize + 1) * Self.blockSize)
      parts.append(Part(unit: crossingCount, elements: start..<end))
      start = end
    }
    crossingCount += 1
  }

  /// Scales gradients down in place. Collective.
  func apply(
    to gradient: UnsafeMutableBufferPointer<Float>,
    parameters: UnsafeMutableBufferPointer<Float>
  ) throws {
    let factors = try crossingFactors(gradient, parameters)
    guard let gradient = gradient.baseAddress, let parameters = parameters.baseAddress else {
      return
    }
    for whole in wholes {
      let (length, start) = (whole.length, whole.start)
      threads.run(over: whole.count, grain: max(1, SliceMap.grain / length)) { units in
        for unit in units {
          let place = start + unit * length
          let factor = factor(
            weights: CKernels_sumSquares(parameters + place, Int64(length)),
            gradient: CKernels_sumSquares(gradient + place, Int64(length)))
          scale(gradient + place, by: factor, count: length)
        }
      }
    }
    for place in places[layout.rank] {
      let part = parts[place]
      scale(
        gradient + part.elements.lowerBound, by: factors[part.unit], count: part.elements.count)
    }
  }

  /// The factors of the units that cross a block's border. Collective.
  private func crossingFactors(
    _ gradient: UnsafeMutableBufferPointer<Float>,
    _ parameters: UnsafeMutableBufferPointer<Float>
  ) throws -> [Double] {
    guard !parts.isEmpty else { return [] }
    let most = places.map(\.count).max() ?? 0
    var sums = [Double](repeating: 0, count: 2 * most)
    for (index, place) in places[layout.rank].enumerated() {
      let (start, count) = (parts[place].elements.lowerBound, parts[place].elements.count)
      guard let gradient = gradient.baseAddress, let parameters = parameters.baseAddress else {
        break
      }
      sums[2 * index] = CKernels_sumSquares(parameters + start, Int64(count))
      sums[2 * index + 1] = CKernels_sumSquares(gradient + start, Int64(count))
    }
    let squares = squares(from: try peers.allGather(sums))
    return squares.map { factor(weights: $0.weights, gradient: $0.gradient) }
  }

  /// The squares of the units, whose parts are added in the order of the buffer, whichever ranks own them.
  private func squares(
    from gathered: [[Double]]
  ) -> [(weights: Double, gradient: Double)] {
    var ofParts = [(weights: Double, gradient: Double)](repeating: (0, 0), count: parts.count)
    for (places, values) in zip(places, gathered) {
      for (index, place) in places.enumerated() {
        ofParts[place] = (values[2 * index], values[2 * index + 1])
      }
    }
    var squares = [(weights: Double, gradient: Double)](repeating: (0, 0), count: crossingCount)
    for (part, found) in zip(parts, ofParts) {
      squares[part.unit].weights += found.weights
      squares[part.unit].gradient += found.gradient
    }
    return squares
  }

  /// - Parameters: Sums of squares.
  private func factor(weights: Double, gradient: Double) -> Double {
    let largest = share * max(weights.squareRoot(), Self.smallestNorm)
    let norm = gradient.squareRoot()
    return norm > largest ? largest / norm : 1
  }

  private func scale(_ values: UnsafeMutablePointer<Float>, by factor: Double, count: Int) {
    if factor < 1 { CKernels_scale(values, Float(factor), values, Int64(count)) }
  }
}
