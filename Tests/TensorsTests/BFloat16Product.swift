import CLockstepKernels
import LockstepParallelism
import LockstepTensors
import TestSupport

#if arch(x86_64)
  import TilesInSoftware
#endif

/// Numbers of one kind, odd ones among them.
enum NumberKind: CaseIterable {
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

/// A product of random factors in bfloat16, to be computed in every way there is.
struct BFloat16Product {
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
    _ kind: NumberKind, rows: Int, columns: Int, inner: Int, using generator: inout SeededGenerator
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

  /// What computes a product.
  enum Way: CustomStringConvertible {
    /// One of the versions that this processor can run.
    case version(Int32)
    /// The version for AMX, its tile instructions computed in software.
    case tilesInSoftware

    /// All there are here.
    static var all: [Way] {
      let versions = (1...CKernels_matrixProductVersions(CKernels_bfloat16)).map(Way.version)
      #if arch(x86_64)
        if TilesInSoftware_canRun() != 0 { return versions + [.tilesInSoftware] }
      #endif
      return versions
    }

    var description: String {
      switch self {
      case .version(let number): "version \(number)"
      case .tilesInSoftware: "tiles in software"
      }
    }
  }

  /// - Parameters:
  ///   - roundsA: Whether the left factor is handed over as bfloat16.
  ///   - roundsB: Whether the right one is.
  func result(by way: Way, roundsA: Bool = false, roundsB: Bool = false) -> [Float] {
    var c = c
    withFactors(roundsA: roundsA, roundsB: roundsB) { a, b in
      switch way {
      case .version(let number):
        CKernels_matrixProductByVersion(
          number, a, b, &c, Int64(columns), Int64(rows), Int64(columns), Int64(inner),
          adds ? 1 : 0, nil)
      case .tilesInSoftware:
        #if arch(x86_64)
          TilesInSoftware_product(
            a, b, &c, Int64(columns), Int64(rows), Int64(columns), Int64(inner), adds ? 1 : 0, nil)
        #endif
      }
    }
    return c
  }

  /// With the right factor packed beforehand, by the version that is used here.
  func packedResult() -> [Float] {
    var c = c
    withFactors(roundsA: false, roundsB: true) { a, b in
      let count = CKernels_packedCount(CKernels_bfloat16, Int64(inner), Int64(columns))
      withUnsafeTemporaryAllocation(of: Float.self, capacity: Int(count)) { packed in
        CKernels_packFactor(b, Int64(inner), Int64(columns), packed.baseAddress)
        CKernels_matrixProductPacked(
          a, packed.baseAddress, Int64(inner), Int64(columns), &c, Int64(columns), Int64(rows),
          Int64(columns), Int64(inner), adds ? 1 : 0, nil)
      }
    }
    return c
  }

  #if arch(x86_64)
    /// The same by the version for AMX, its tile instructions computed in software.
    func packedResultOfTilesInSoftware() -> [Float] {
      var c = c
      withFactors(roundsA: true, roundsB: false) { a, b in
        let count = TilesInSoftware_packedCount(Int64(inner), Int64(columns))
        withUnsafeTemporaryAllocation(of: Float.self, capacity: Int(count)) { packed in
          TilesInSoftware_packFactor(b, Int64(inner), Int64(columns), packed.baseAddress)
          TilesInSoftware_packedProduct(
            a, packed.baseAddress, Int64(inner), Int64(columns), &c, Int64(columns), Int64(rows),
            Int64(columns), Int64(inner), adds ? 1 : 0, nil)
        }
      }
      return c
    }
  #endif

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

  private func withFactors(
    roundsA: Bool, roundsB: Bool, _ body: (CKernels_Factor, CKernels_Factor) -> Void
  ) {
    withFactor(a, stride: isATransposed ? rows : inner, isATransposed, rounds: roundsA) { a in
      withFactor(b, stride: isBTransposed ? inner : columns, isBTransposed, rounds: roundsB) { b in
        body(a, b)
      }
    }
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

/// Subnormal numbers as zeros.
private func flushed(_ x: Float) -> Float {
  x.isSubnormal ? Float(sign: x.sign, exponent: 0, significand: 0) : x
}

/// Rounded to bfloat16, by way of the two neighbours.
func nearestBFloat16(_ x: Float) -> Float {
  guard x.isFinite, !x.isSubnormal else { return flushed(x) }
  let below = Float(bitPattern: x.bitPattern & 0xFFFF_0000)
  let half = x.bitPattern & 0xFFFF
  let isUp = half > 0x8000 || half == 0x8000 && below.bitPattern & 0x1_0000 != 0
  return isUp ? Float(bitPattern: below.bitPattern + 0x1_0000) : below
}
