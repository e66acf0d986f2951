import CLockstepKernels
import LockstepCommunication
import TestSupport

/// Rounding to eight bits as its description has it, one element after another.
enum NaiveInt8 {
  /// The whole reduction of a synthetic step with every node but the root rounded, [elementCount].
  static func gradient(
    seed: UInt64, leafCount: Int, elementCount: Int, draws: StepDraws
  ) -> [Float] {
    func sum(_ leaves: Range<Int>, isRoot: Bool) -> [Float] {
      var values: [Float]
      if leaves.count == 1 {
        values = (0..<elementCount).map {
          NaiveReduction.leafValue(seed: seed, leaf: leaves.lowerBound, element: $0)
        }
      } else {
        var half = 1
        while half * 2 < leaves.count { half *= 2 }
        let middle = leaves.lowerBound + half
        values = sum(leaves.lowerBound..<middle, isRoot: false)
        let right = sum(middle..<leaves.upperBound, isRoot: false)
        for index in values.indices { values[index] += right[index] }
      }
      return isRoot ? values : rounded(values, stream: stream(of: leaves, draws))
    }
    return sum(0..<leafCount, isRoot: true)
  }

  static func stream(of node: Range<Int>, _ draws: StepDraws) -> CKernels_RandomStream {
    CKernels_RandomStream(
      seed: draws.seed, site: 11 << 24 + UInt32(node.count), step: UInt32(draws.step),
      microbatch: UInt32(draws.firstMicrobatch + node.lowerBound))
  }

  /// - Parameter element: Where the values begin in the whole buffer, a multiple of 128.
  static func rounded(
    _ values: [Float], stream: CKernels_RandomStream, element: Int = 0
  ) -> [Float] {
    var result = values
    for start in stride(from: 0, to: values.count, by: 128) {
      let block = start..<min(values.count, start + 128)
      guard values[block].allSatisfy(\.isFinite) else {
        for index in block { result[index] = values[index].isFinite ? 0 : .nan }
        continue
      }
      let scale = scale(of: values[block])
      let numbers = draws(stream, block: (element + start) / 128)
      for (index, draw) in zip(block, numbers) {
        guard scale > 0 else {
          result[index] = 0
          continue
        }
        let number = (values[index] / scale + draw).rounded(.down)
        result[index] = min(127, max(-127, number)) * scale + 0
      }
    }
    return result
  }

  /// Largest magnitude / 127 without the last seven bits; 0 where that is no normal number.
  static func scale(of values: some Collection<Float>) -> Float {
    let largest = values.map(\.magnitude).max() ?? 0
    let scale = Float(bitPattern: (largest / 127).bitPattern & ~0x7f)
    return scale < .leastNormalMagnitude ? 0 : scale
  }

  /// The numbers u of a block's 128 elements.
  private static func draws(_ stream: CKernels_RandomStream, block: Int) -> [Float] {
    var stream = stream
    var result = [Float](repeating: 0, count: 128)
    for lane in 0..<16 {
      var words = [UInt32](repeating: 0, count: 4)
      CKernels_philox(&stream, UInt32(block * 16 + lane), &words)
      for (word, bits) in words.enumerated() {
        result[word * 32 + lane] = (Float(bits & 0xffff) + 0.5) / 65_536
        result[word * 32 + 16 + lane] = (Float(bits >> 16) + 0.5) / 65_536
      }
    }
    return result
  }
}
