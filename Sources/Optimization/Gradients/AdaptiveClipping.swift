import CLockstepKernels
import LockstepParallelism

/// Scales down the gradient of every unit (a row of a matrix, or a vector) that is longer than a
/// share of the unit's weights.
///
/// A unit's squares are summed over fixed blocks of the flat buffer, then over its blocks in order.
/// Slices are made of whole blocks; the sums of units that lie in one block alone concern one rank,
/// the others' go to all ranks. Neither depends on where slices begin.
final class AdaptiveClipping {
  private let share: Double
  private let layout: ParameterLayout
  private let peers: any OptimizerPeers
  private let threads: ThreadPool
  /// Consecutive units of one length inside the slice, none of which crosses a block's border.
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
  /// For each rank, the first of its parts and the next rank's.
  private var partRanges: [Range<Int>] = []

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
          if layout.slice.contains(next) {
            wholes.append(Whole(start: next, length: length, count: count))
          }
          next += count * length
        } else {
          addCrossing(next..<next + length)
          next += length
        }
      }
    }
    partRanges = layout.slices.map { slice in
      let first = parts.firstIndex { $0.elements.lowerBound >= slice.lowerBound } ?? parts.count
      let end = parts.firstIndex { $0.elements.lowerBound >= slice.upperBound } ?? parts.count
      return first..<end
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
    let base = layout.slice.lowerBound
    for whole in wholes {
      let (length, start) = (whole.length, whole.start - base)
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
    for part in parts[partRanges[layout.rank]] {
      scale(
        gradient + (part.elements.lowerBound - base), by: factors[part.unit],
        count: part.elements.count)
    }
  }

  /// The factors of the units that cross a block's border. Collective.
  private func crossingFactors(
    _ gradient: UnsafeMutableBufferPointer<Float>,
    _ parameters: UnsafeMutableBufferPointer<Float>
  ) throws -> [Double] {
    guard !parts.isEmpty else { return [] }
    let most = partRanges.map(\.count).max() ?? 0
    var sums = [Double](repeating: 0, count: 2 * most)
    for (place, part) in parts[partRanges[layout.rank]].enumerated() {
      let start = part.elements.lowerBound - layout.slice.lowerBound
      guard let gradient = gradient.baseAddress, let parameters = parameters.baseAddress else {
        break
      }
      let count = Int64(part.elements.count)
      sums[2 * place] = CKernels_sumSquares(parameters + start, count)
      sums[2 * place + 1] = CKernels_sumSquares(gradient + start, count)
    }
    let gathered = try peers.allGather(sums)
    var squares = [(weights: Double, gradient: Double)](repeating: (0, 0), count: crossingCount)
    for (range, values) in zip(partRanges, gathered) {
      for (place, part) in parts[range].enumerated() {
        squares[part.unit].weights += values[2 * place]
        squares[part.unit].gradient += values[2 * place + 1]
      }
    }
    return squares.map { factor(weights: $0.weights, gradient: $0.gradient) }
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
