import Parallelism
import Tensors
import TestSupport
import Testing

@Suite struct MatrixProductTests {
  /// One product of random matrices, as stored or transposed.
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

    init(rows: Int, columns: Int, inner: Int, using generator: inout SeededGenerator) {
      self.rows = rows
      self.columns = columns
      self.inner = inner
      isATransposed = Bool.random(using: &generator)
      isBTransposed = Bool.random(using: &generator)
      adds = Bool.random(using: &generator)
      a = (0..<rows * inner).map { _ in Float.random(in: -1...1, using: &generator) }
      b = (0..<inner * columns).map { _ in Float.random(in: -1...1, using: &generator) }
      c = (0..<rows * columns).map { _ in Float.random(in: -1...1, using: &generator) }
    }

    func result(threads: Int) -> [Float] {
      var (a, b, c) = (a, b, c)
      a.withUnsafeMutableBufferPointer { a in
        b.withUnsafeMutableBufferPointer { b in
          c.withUnsafeMutableBufferPointer { c in
            var left = Matrix(a.baseAddress!, stride: isATransposed ? rows : inner)
            if isATransposed { left = left.transposed }
            var right = Matrix(b.baseAddress!, stride: isBTransposed ? inner : columns)
            if isBTransposed { right = right.transposed }
            multiply(
              left, right, into: Matrix(c.baseAddress!, stride: columns), rows: rows,
              columns: columns, inner: inner, adds: adds, on: ThreadPool(threadCount: threads))
          }
        }
      }
      return c
    }

    var naive: [Double] {
      let left = a.map(Double.init)
      let right = b.map(Double.init)
      let sums = Naive.product(
        isATransposed ? Naive.transposed(left, rows: inner, columns: rows) : left,
        isBTransposed ? Naive.transposed(right, rows: columns, columns: inner) : right,
        rows: rows, inner: inner, columns: columns)
      return zip(sums, c).map { $0 + (adds ? Double($1) : 0) }
    }
  }

  @Test func productsAreRight() {
    var generator = SeededGenerator(seed: 1)
    for _ in 0..<40 {
      let product = Product(
        rows: .random(in: 1...70, using: &generator),
        columns: .random(in: 1...70, using: &generator),
        inner: .random(in: 1...70, using: &generator), using: &generator)
      for (a, b) in zip(product.result(threads: 1), product.naive) {
        #expect(abs(Double(a) - b) < 1e-5 * Double(product.inner).squareRoot())
      }
    }
  }

  @Test func threadsDoNotChangeABitOfAnyProduct() {
    // The workspace tells OpenBLAS to use one thread.
    withExtendedLifetime(Workspace()) {
      var generator = SeededGenerator(seed: 2)
      for _ in 0..<60 {
        let product = Product(
          rows: .random(in: 1...700, using: &generator),
          columns: .random(in: 1...700, using: &generator),
          inner: .random(in: 1...900, using: &generator), using: &generator)
        let alone = product.result(threads: 1)
        for threads in 2...4 {
          let differing = zip(product.result(threads: threads), alone).count {
            $0.bitPattern != $1.bitPattern
          }
          #expect(
            differing == 0,
            "\(product.rows) × \(product.inner) × \(product.columns) with \(threads) threads")
        }
      }
    }
  }

  @Test func stripsCoverTheExtent() {
    for extent in [1, 15, 16, 17, 100, 256, 1000, 4097] {
      for workPerLine in [0, 1, 1 << 12, 1 << 16, 1 << 21] {
        let strips = Strips(extent: extent, workPerLine: workPerLine)
        #expect((0..<strips.count).flatMap { Array(strips[$0]) } == Array(0..<extent))
      }
    }
  }

  @Test(arguments: [(256, 2), (512, 4), (1000, 4), (1024, 4), (4096, 16)])
  func largeProductsAreCutEvenly(extent: Int, expected: Int) {
    let strips = Strips(extent: extent, workPerLine: 1 << 18)
    let widths = (0..<strips.count).map { strips[$0].count }
    #expect(strips.count == expected)
    #expect(widths.max()! - widths.min()! <= 24)
  }

  @Test func smallProductsAreNotCut() {
    #expect(Strips(extent: 1024, workPerLine: 1 << 9).count == 1)
  }
}
