import CLockstepKernels
import TestSupport
import Testing

@Suite struct TreeKernelTests {
  /// a + (b + c) and the like, evaluated on a stack of single numbers.
  private func naive(_ values: [Float], _ additions: [UInt8]) -> Float {
    var stack: [Float] = []
    for (value, count) in zip(values, additions) {
      stack.append(value)
      for _ in 0..<count {
        let right = stack.removeLast()
        stack[stack.count - 1] += right
      }
    }
    return stack[0]
  }

  @Test(
    arguments: [
      [0], [0, 1], [0, 0, 2], [0, 1, 1], [0, 1, 0, 2], [0, 0, 0, 3], [0, 1, 0, 2, 0, 1, 0, 3],
      [0, 0, 0, 0, 4], [0, 1, 1, 1, 1],
    ] as [[UInt8]])
  func treeKernelEqualsAStackOfNumbers(additions: [UInt8]) {
    for count in [0, 1, 15, 16, 17, 1_023, 1_024, 1_025, 3_000] {
      let start = 5
      let sources = additions.indices.map { leaf in
        (0..<start + count).map { NaiveReduction.leafValue(seed: 9, leaf: leaf, element: $0) }
      }
      let expected = (0..<count).map { index in naive(sources.map { $0[start + index] }, additions)
      }
      let copies = sources.map { source in
        let copy = UnsafeMutablePointer<Float>.allocate(capacity: max(1, source.count))
        copy.initialize(from: source, count: source.count)
        return copy
      }
      defer {
        for copy in copies { copy.deallocate() }
      }
      let pointers: [UnsafePointer<Float>?] = copies.map { UnsafePointer($0) }
      let apart = UnsafeMutablePointer<Float>.allocate(capacity: count + 1)
      defer { apart.deallocate() }
      apart[count] = 77
      CKernels_sumTree(
        apart, pointers, additions, Int64(pointers.count), Int64(start), Int64(count))
      #expect((0..<count).map { apart[$0] } == expected)
      #expect(apart[count] == 77)

      // In place, over the last source.
      let target = copies[copies.count - 1] + start
      let squares = CKernels_sumTreeWithSquares(
        target, pointers, additions, Int64(pointers.count), Int64(start), Int64(count))
      #expect((0..<count).map { target[$0] } == expected)
      #expect(squares == CKernels_sumSquares(target, Int64(count)))
      let plain = expected.reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(squares - plain) <= 1e-12 * plain)
    }
  }
}
