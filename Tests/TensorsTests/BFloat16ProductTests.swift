import CLockstepKernels
import LockstepParallelism
import LockstepTensors
import TestSupport
import Testing

#if canImport(Glibc)
  import Glibc
#endif

/// Products of factors rounded to bfloat16. They are compared with the order as CKernels_matrixProduct.h
/// describes it, computed here without any vector: on a processor with AMX that is a proof that the
/// description is the instruction's.
@Suite struct BFloat16ProductTests {
  /// Numbers of one kind, odd ones among them.
  enum Kind: CaseIterable {
    case usual, wide, subnormal, infinite, tiny

    func number(using generator: inout SeededGenerator) -> Float {
      let random = UInt32.random(in: 0...UInt32.max, using: &generator)
      let fraction = random & 0x807F_FFFF
      switch self {
      case .usual: return Float.random(in: -1...1, using: &generator)
      case .wide:
        return Float(bitPattern: fraction | UInt32.random(in: 40..<100, using: &generator) << 23)
      case .subnormal:
        let exponent: UInt32 = random % 5 == 0 ? 0 : .random(in: 1...20, using: &generator)
        return Float(bitPattern: fraction | exponent << 23)
      case .infinite:
        if random % 97 == 0 { return random & 128 == 0 ? .infinity : -.infinity }
        return Float.random(in: -1...1, using: &generator)
      case .tiny: return random % 3 == 0 ? -0.0 : Float(Int(random % 3) - 1) * 1e-20
      }
    }
  }

  private struct Product {
    let rows: Int
    let columns: Int
    let inner: Int
    let isATransposed: Bool
    let isBTransposed: Bool
    let adds: Bool
    let a: [Float]
    let b: [Float]
    let c: [Float]

    init(
      _ kind: Kind, rows: Int, columns: Int, inner: Int, using generator: inout SeededGenerator
    ) {
      self.rows = rows
      self.columns = columns
      self.inner = inner
      isATransposed = Bool.random(using: &generator)
      isBTransposed = Bool.random(using: &generator)
      adds = Bool.random(using: &generator)
      a = (0..<rows * inner).map { _ in kind.number(using: &generator) }
      b = (0..<inner * columns).map { _ in kind.number(using: &generator) }
      c = (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &generator) }
    }

    var name: String {
      "\(rows) × \(inner) × \(columns), transposed: \(isATransposed), \(isBTransposed), adds: \(adds)"
    }

    /// - Parameters:
    ///   - roundsA: Whether the left factor is handed over as bfloat16.
    ///   - roundsB: Whether the right one is.
    func result(version: Int32, roundsA: Bool = false, roundsB: Bool = false) -> [Float] {
      var c = c
      withFactor(a, stride: isATransposed ? rows : inner, isATransposed, rounds: roundsA) { a in
        withFactor(b, stride: isBTransposed ? inner : columns, isBTransposed, rounds: roundsB) {
          CKernels_matrixProductByVersion(
            version, a, $0, &c, Int64(columns), Int64(rows), Int64(columns), Int64(inner),
            adds ? 1 : 0, nil)
        }
      }
      return c
    }

    func packedResult() -> [Float] {
      var c = c
      withFactor(a, stride: isATransposed ? rows : inner, isATransposed, rounds: false) { a in
        withFactor(b, stride: isBTransposed ? inner : columns, isBTransposed, rounds: true) { b in
          let packed = UnsafeMutablePointer<Float>.allocate(
            capacity: Int(CKernels_packedCount(CKernels_bfloat16, Int64(inner), Int64(columns))))
          defer { packed.deallocate() }
          CKernels_packFactor(b, Int64(inner), Int64(columns), packed)
          CKernels_matrixProductPacked(
            a, packed, Int64(inner), Int64(columns), &c, Int64(columns), Int64(rows),
            Int64(columns), Int64(inner), adds ? 1 : 0, nil)
        }
      }
      return c
    }

    func result(threads: Int) -> [Float] {
      var (a, b, c) = (a, b, c)
      let products = Products(format: .bfloat16, threads: ThreadPool(threadCount: threads))
      a.withUnsafeMutableBufferPointer { a in
        b.withUnsafeMutableBufferPointer { b in
          c.withUnsafeMutableBufferPointer { c in
            let left = Matrix(a.baseAddress!, stride: isATransposed ? rows : inner)
            let right = Matrix(b.baseAddress!, stride: isBTransposed ? inner : columns)
            products.multiply(
              isATransposed ? left.transposed : left, isBTransposed ? right.transposed : right,
              into: Matrix(c.baseAddress!, stride: columns), rows: rows, columns: columns,
              inner: inner, adds: adds)
          }
        }
      }
      return c
    }

    private func withFactor(
      _ elements: [Float], stride: Int, _ isTransposed: Bool, rounds: Bool,
      _ body: (CKernels_Factor) -> Void
    ) {
      var factor = CKernels_Factor()
      (factor.stride, factor.transposed) = (Int64(stride), isTransposed ? 1 : 0)
      factor.format = CKernels_bfloat16
      guard rounds else {
        return elements.withUnsafeBufferPointer {
          factor.elements = $0.baseAddress
          body(factor)
        }
      }
      var rounded = [UInt16](repeating: 0, count: elements.count)
      CKernels_roundToBfloat16(elements, &rounded, Int64(elements.count))
      rounded.withUnsafeBufferPointer {
        factor.rounded = $0.baseAddress
        body(factor)
      }
    }

    /// Blocks of 32 inner indices: a chain of the even ones, a chain of the odd ones, their sum added.
    var documented: [Float] {
      let block = Int(CKERNELS_BFLOAT16_BLOCK)
      return (0..<rows * columns).map { index in
        let (row, column) = index.quotientAndRemainder(dividingBy: columns)
        var total = adds ? c[index] : 0
        for start in stride(from: 0, to: inner, by: block) {
          var chains: [Float] = [0, 0]
          for k in start..<start + block {
            let left = k < inner ? a[isATransposed ? k * rows + row : row * inner + k] : 0
            let right = k < inner ? b[isBTransposed ? column * inner + k : k * columns + column] : 0
            chains[k % 2] = flushed(
              flushed(chains[k % 2]).addingProduct(
                nearestBFloat16(left), nearestBFloat16(right)))
          }
          total = flushed(flushed(total) + flushed(chains[0] + chains[1]))
        }
        return total
      }
    }
  }

  private static func differing(_ a: [Float], _ b: [Float]) -> Int {
    zip(a, b).count { $0.bitPattern != $1.bitPattern && !($0.isNaN && $1.isNaN) }
  }

  private static var versions: ClosedRange<Int32> {
    1...CKernels_matrixProductVersions(CKernels_bfloat16)
  }

  @Test(arguments: Kind.allCases)
  func everyProcessorLevelComputesTheDocumentedOrder(kind: Kind) {
    var generator = SeededGenerator(seed: 11)
    for _ in 0..<40 {
      let product = Product(
        kind, rows: .random(in: 1...70, using: &generator),
        columns: .random(in: 1...70, using: &generator),
        inner: .random(in: 1...100, using: &generator), using: &generator)
      let documented = product.documented
      for version in Self.versions {
        for (roundsA, roundsB) in [(false, false), (true, false), (false, true), (true, true)] {
          let result = product.result(version: version, roundsA: roundsA, roundsB: roundsB)
          #expect(
            Self.differing(result, documented) == 0,
            "version \(version), rounded: \(roundsA), \(roundsB), \(product.name)")
        }
      }
      #expect(Self.differing(product.packedResult(), documented) == 0, "\(product.name)")
    }
  }

  /// More than what is packed at a time, along each dimension.
  @Test(arguments: [(8, 64, 1600), (2080, 40, 33), (5, 1300, 900), (3, 77, 1600), (4, 50, 40)])
  func largeProductsHaveTheSameOrder(rows: Int, columns: Int, inner: Int) {
    var generator = SeededGenerator(seed: 12)
    for _ in 0..<2 {
      let product = Product(
        .usual, rows: rows, columns: columns, inner: inner, using: &generator)
      let documented = product.documented
      for version in Self.versions.dropFirst() {
        #expect(
          Self.differing(product.result(version: version), documented) == 0,
          "version \(version), \(product.name)")
      }
    }
  }

  @Test func threadsDoNotChangeABit() {
    var generator = SeededGenerator(seed: 13)
    for (rows, columns, inner) in [
      (400, 300, 500), (96, 700, 300), (700, 90, 1000), (40, 3000, 80),
    ] {
      for _ in 0..<4 {
        let product = Product(
          .usual, rows: rows, columns: columns, inner: inner, using: &generator)
        let alone = product.result(threads: 1)
        for threads in 2...4 {
          #expect(Self.differing(product.result(threads: threads), alone) == 0, "\(product.name)")
        }
      }
    }
  }

  /// A right factor of more elements than threads pack at a time, whichever side is long.
  @Test(arguments: [(64, 6000, 900), (64, 64, 70_000)])
  func partsOfTheRightFactorKeepTheBits(rows: Int, columns: Int, inner: Int) {
    var generator = SeededGenerator(seed: 14)
    let product = Product(.usual, rows: rows, columns: columns, inner: inner, using: &generator)
    #expect(Self.differing(product.result(threads: 2), product.result(threads: 1)) == 0)
  }

  @Test func roundingIsToTheNearestEven() {
    let numbers: [Float] = [
      0, -0.0, 1, 1.00390625, 1.01171875, -1.00390625, 3.4e38, .greatestFiniteMagnitude, .infinity,
      -.infinity, .leastNormalMagnitude, .leastNonzeroMagnitude, -.leastNonzeroMagnitude,
      Float(bitPattern: 0x7_1234),
      0.1,
      -1234.567, 65_535,
    ]
    var rounded = [UInt16](repeating: 0, count: numbers.count)
    CKernels_roundToBfloat16(numbers, &rounded, Int64(numbers.count))
    for (number, half) in zip(numbers, rounded) {
      let expected = nearestBFloat16(number)
      #expect(Float(bitPattern: UInt32(half) << 16).bitPattern == expected.bitPattern, "\(number)")
    }
    var half: UInt16 = 0
    CKernels_roundToBfloat16([Float.nan], &half, 1)
    #expect(Float(bitPattern: UInt32(half) << 16).isNaN)
  }
}

/// Subnormal numbers as zeros.
private func flushed(_ x: Float) -> Float {
  x.isSubnormal ? Float(sign: x.sign, exponent: 0, significand: 0) : x
}

/// Rounded to bfloat16, by way of the two neighbours.
private func nearestBFloat16(_ x: Float) -> Float {
  guard x.isFinite, !x.isSubnormal else { return flushed(x) }
  let below = Float(bitPattern: x.bitPattern & 0xFFFF_0000)
  let half = x.bitPattern & 0xFFFF
  let isUp = half > 0x8000 || half == 0x8000 && below.bitPattern & 0x1_0000 != 0
  return isUp ? Float(bitPattern: below.bitPattern + 0x1_0000) : below
}
