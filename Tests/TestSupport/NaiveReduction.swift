/// The sum over micro-batches as the definition has it: recursive, one element after another.
public enum NaiveReduction {
  /// The elements of leaf `leaf`: numbers of many magnitudes and both signs, so that the order of a
  /// sum shows in its bits. A function of the arguments alone.
  public static func leafValue(seed: UInt64, leaf: Int, element: Int) -> Float {
    var state = seed &+ UInt64(leaf) &* 0x9E37_79B9_7F4A_7C15
    state = mixed(state &+ UInt64(element) &* 0xD1B5_4A32_D192_ED03)
    let exponent = Int(state & 15) - 8
    let fraction = Float(Int32(truncatingIfNeeded: state >> 32)) / Float(Int32.max)
    return fraction * (exponent < 0 ? 1 / Float(1 << -exponent) : Float(1 << exponent))
  }

  /// The last mixing steps of SplitMix64.
  private static func mixed(_ value: UInt64) -> UInt64 {
    var value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }

  /// leaf(0) + … + leaf(leafCount - 1), split at the largest power of two below the count.
  public static func treeSum<Value: AdditiveArithmetic>(
    _ leaves: Range<Int>, _ leaf: (Int) -> Value
  ) -> Value {
    if leaves.count == 1 { return leaf(leaves.lowerBound) }
    var half = 1
    while half * 2 < leaves.count { half *= 2 }
    let middle = leaves.lowerBound + half
    return treeSum(leaves.lowerBound..<middle, leaf) + treeSum(middle..<leaves.upperBound, leaf)
  }

  /// The whole reduction of a synthetic step, [elementCount].
  public static func gradient(seed: UInt64, leafCount: Int, elementCount: Int) -> [Float] {
    (0..<elementCount).map { element in
      treeSum(0..<leafCount) { leafValue(seed: seed, leaf: $0, element: element) }
    }
  }

  /// The same with every node but the root rounded to bfloat16: to nearest, ties to even.
  public static func roundedGradient(seed: UInt64, leafCount: Int, elementCount: Int) -> [Float] {
    func sum(_ leaves: Range<Int>, _ element: Int, isRoot: Bool) -> Float {
      var value: Float
      if leaves.count == 1 {
        value = leafValue(seed: seed, leaf: leaves.lowerBound, element: element)
      } else {
        var half = 1
        while half * 2 < leaves.count { half *= 2 }
        let middle = leaves.lowerBound + half
        value =
          sum(leaves.lowerBound..<middle, element, isRoot: false)
          + sum(middle..<leaves.upperBound, element, isRoot: false)
      }
      return isRoot ? value : roundedToBfloat16(value)
    }
    return (0..<elementCount).map { sum(0..<leafCount, $0, isRoot: true) }
  }

  /// By arithmetic, for normal numbers: the significand's upper eight bits.
  private static func roundedToBfloat16(_ value: Float) -> Float {
    guard value.isNormal else { return 0 }
    let unit = Float(sign: .plus, exponent: value.exponent - 7, significand: 1)
    return (value / unit).rounded(.toNearestOrEven) * unit
  }

  /// FNV-1a over the bits, to compare vectors between processes.
  public static func hash(_ values: some Sequence<Float>) -> UInt64 {
    values.reduce(0xCBF2_9CE4_8422_2325) { hash, value in
      (hash ^ UInt64(value.bitPattern)) &* 0x100_0000_01B3
    }
  }
}
