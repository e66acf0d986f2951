import CLockstepKernels
import LockstepCommunication
import TestSupport
import Testing

@Suite struct Int8KernelTests {
  private func values(_ count: Int, seed: UInt64 = 1) -> [Float] {
    (0..<count).map { NaiveReduction.leafValue(seed: seed, leaf: 0, element: $0) }
  }

  private func rounded(
    _ values: [Float], step: Int = 0, node: Range<Int> = 0..<1, element: Int = 0
  ) -> [Float] {
    var stream = NaiveInt8.stream(of: node, StepDraws(seed: 7, step: step))
    // A guard behind the end.
    var result = [Float](repeating: 77, count: values.count + 1)
    CKernels_roundToInt8(&stream, Int64(element), values, &result, Int64(values.count))
    #expect(result.removeLast() == 77)
    return result
  }

  /// The first element with other bits; nil: none.
  private func difference(_ values: [Float], _ expected: [Float]) -> Int? {
    expected.indices.first { values[$0].bitPattern != expected[$0].bitPattern }
  }

  @Test(arguments: [0, 1, 15, 16, 17, 100, 127, 128, 129, 255, 256, 1_000])
  func bitsAreThoseOfTheDescription(count: Int) {
    for (step, element) in [(0, 0), (3, 128), (9, 65_536)] {
      for scale in [1, 1e-30, 1e-36, 1e-38, 1e30, 0] as [Float] {
        let values = values(count, seed: UInt64(step)).map { $0 * scale }
        let node = step..<step + 5
        let expected = NaiveInt8.rounded(
          values, stream: NaiveInt8.stream(of: node, StepDraws(seed: 7, step: step)),
          element: element)
        let rounded = rounded(values, step: step, node: node, element: element)
        #expect(difference(rounded, expected) == nil)
      }
    }
  }

  @Test func theMeanOfManyDrawsIsTheValueAndNoneIsFarOff() {
    let count = 300
    let values = values(count)
    let scales = values.indices.map { index in
      NaiveInt8.scale(of: values[index / 128 * 128..<min(count, index / 128 * 128 + 128)])
    }
    let rounds = 5_000
    var sums = [Double](repeating: 0, count: count)
    var isNear = true
    for step in 0..<rounds {
      for (index, value) in rounded(values, step: step).enumerated() {
        sums[index] += Double(value)
        // The largest are out by what their scale has lost.
        isNear = isNear && abs(value - values[index]) < 1.003 * scales[index]
      }
    }
    #expect(isNear)
    // A draw deviates by half a scale at most, and their mean by that over the root of their number.
    let deviation = 0.5 / Double(rounds).squareRoot()
    for index in values.indices {
      let error = (sums[index] / Double(rounds) - Double(values[index])) / Double(scales[index])
      #expect(abs(error) < 5 * deviation, "element \(index) is out by \(error) of its scale")
    }
  }

  @Test func stepsNodesSeedsAndElementsDrawApart() {
    let values = [Float](repeating: 0.3, count: 127) + [1]
    let all = [
      rounded(values), rounded(values, step: 1), rounded(values, node: 0..<2),
      rounded(values, node: 1..<2), rounded(values, element: 128),
      NaiveInt8.rounded(values, stream: NaiveInt8.stream(of: 0..<1, StepDraws(seed: 8))),
      NaiveInt8.rounded(
        values, stream: NaiveInt8.stream(of: 0..<1, StepDraws(seed: 7, firstMicrobatch: 2))),
    ]
    #expect(Set(all).count == all.count)
    #expect(Set(rounded(values)).count == 3)
  }

  @Test func whatIsRoundedStaysAsItIsWhateverIsDrawn() {
    for (step, scale) in [1, 1e-35, 3e37].enumerated() {
      let once = rounded(values(40_000, seed: UInt64(step)).map { $0 * Float(scale) })
      for again in 1..<4 { #expect(difference(rounded(once, step: again), once) == nil) }
    }
  }

  private func sent(_ rounded: [Float]) -> [Float] {
    let count = rounded.count
    var scales = [Float](repeating: 0, count: (count + 127) / 128)
    var numbers = [Int8](repeating: 99, count: count + 1)
    CKernels_encodeInt8(rounded, &scales, &numbers, Int64(count))
    #expect(numbers.last == 99)
    var result = [Float](repeating: 77, count: count + 1)
    CKernels_decodeInt8(scales, numbers, &result, Int64(count))
    #expect(result.removeLast() == 77)
    return result
  }

  @Test(arguments: [0, 1, 16, 127, 128, 130, 1_000, 65_536])
  func nothingIsLostOnTheWay(count: Int) {
    for scale in [1, 1e-36, 1e30] as [Float] {
      let rounded = rounded(values(count).map { $0 * scale })
      #expect(difference(sent(rounded), rounded) == nil)
    }
  }

  @Test(arguments: [Float.infinity, -.infinity, .nan]) func whatIsNotFiniteStaysSoInItsPlace(
    broken: Float
  ) {
    for place in [0, 5, 127, 128, 300] {
      var values = values(301)
      values[place] = broken
      let rounded = rounded(values)
      for found in [rounded, sent(rounded), self.rounded(rounded, step: 1)] {
        #expect(found.indices.filter { !found[$0].isFinite } == [place])
      }
      // Other blocks know nothing of it.
      let other = place < 128 ? 128 : 0
      #expect(rounded[other..<other + 128].contains { $0 != 0 })
    }
  }

  @Test func theLargestNumbersStayFinite() {
    let largest = Float.greatestFiniteMagnitude
    for value in rounded([largest, -largest, largest / 3]) { #expect(value.isFinite && value != 0) }
  }
}
