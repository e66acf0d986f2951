import CLockstepKernels
import LockstepParallelism
import LockstepTensors
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

    func result(threads: Int, library: ProductLibrary = .canonical) -> [Float] {
      withMatrices { left, right, c in
        Products(library: library, threads: ThreadPool(threadCount: threads)).multiply(
          left, right, into: Matrix(c, stride: columns), rows: rows, columns: columns,
          inner: inner, adds: adds)
      }
    }

    func result(version: Int32) -> [Float] {
      withMatrices { left, right, c in
        CKernels_matrixProductByVersion(
          version, factor(left, isATransposed), factor(right, isBTransposed), c, Int64(columns),
          Int64(rows), Int64(columns), Int64(inner), adds ? 1 : 0, nil)
      }
    }

    func packedResult() -> [Float] {
      withMatrices { left, right, c in
        let packed = UnsafeMutablePointer<Float>.allocate(
          capacity: Int(CKernels_packedCount(CKernels_float32, Int64(inner), Int64(columns))))
        defer { packed.deallocate() }
        CKernels_packFactor(factor(right, isBTransposed), Int64(inner), Int64(columns), packed)
        CKernels_matrixProductPacked(
          factor(left, isATransposed), packed, Int64(inner), Int64(columns), c, Int64(columns),
          Int64(rows), Int64(columns), Int64(inner), adds ? 1 : 0, nil)
      }
    }

    private func factor(_ matrix: Matrix, _ isTransposed: Bool) -> CKernels_Factor {
      CKernels_Factor(
        elements: matrix.pointer, stride: Int64(matrix.stride), transposed: isTransposed ? 1 : 0,
        format: CKernels_float32, rounded: nil)
    }

    private func withMatrices(
      _ body: (Matrix, Matrix, UnsafeMutablePointer<Float>) -> Void
    ) -> [Float] {
      var (a, b, c) = (a, b, c)
      a.withUnsafeMutableBufferPointer { a in
        b.withUnsafeMutableBufferPointer { b in
          c.withUnsafeMutableBufferPointer { c in
            var left = Matrix(a.baseAddress!, stride: isATransposed ? rows : inner)
            if isATransposed { left = left.transposed }
            var right = Matrix(b.baseAddress!, stride: isBTransposed ? inner : columns)
            if isBTransposed { right = right.transposed }
            body(left, right, c.baseAddress!)
          }
        }
      }
      return c
    }

    /// Chunks of the inner dimension by fused multiply-adds from zero, then the chunks in order.
    var documented: [Float] {
      (0..<rows * columns).map { index in
        let (row, column) = index.quotientAndRemainder(dividingBy: columns)
        let chunks = stride(from: 0, to: inner, by: Int(CKERNELS_PRODUCT_CHUNK)).map { start in
          (start..<min(inner, start + Int(CKERNELS_PRODUCT_CHUNK))).reduce(Float(0)) { sum, k in
            sum.addingProduct(
              a[isATransposed ? k * rows + row : row * inner + k],
              b[isBTransposed ? column * inner + k : k * columns + column])
          }
        }
        return adds
          ? chunks.reduce(c[index], +) : chunks.dropFirst().reduce(chunks[0], +)
      }
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

  @Test(arguments: [1, 3]) func openBLASGivesTheSameButForRounding(threads: Int) {
    var generator = SeededGenerator(seed: 8)
    for _ in 0..<20 {
      let product = Product(
        rows: .random(in: 1...300, using: &generator),
        columns: .random(in: 1...300, using: &generator),
        inner: .random(in: 1...300, using: &generator), using: &generator)
      for (a, b) in zip(product.result(threads: threads, library: .openBLAS), product.naive) {
        #expect(abs(Double(a) - b) < 1e-5 * Double(product.inner).squareRoot())
      }
    }
  }

  @Test func threadsDoNotChangeABitOfAnyProduct() {
    var generator = SeededGenerator(seed: 2)
    for _ in 0..<60 {
      let product = Product(
        rows: .random(in: 1...700, using: &generator),
        columns: .random(in: 1...700, using: &generator),
        inner: .random(in: 1...900, using: &generator), using: &generator)
      let alone = product.result(threads: 1)
      for threads in 2...4 {
        #expect(
          differingBits(product.result(threads: threads), alone) == 0,
          "\(product.rows) × \(product.inner) × \(product.columns) with \(threads) threads")
      }
    }
  }

  /// One version a processor level; the slowest needs no vector unit at all.
  @Test func processorLevelsDoNotChangeABit() {
    var generator = SeededGenerator(seed: 3)
    for _ in 0..<20 {
      let product = Product(
        rows: .random(in: 1...90, using: &generator),
        columns: .random(in: 1...90, using: &generator),
        inner: .random(in: 1...600, using: &generator), using: &generator)
      let usual = product.result(threads: 1)
      for version in 1...CKernels_matrixProductVersions(CKernels_float32) {
        #expect(differingBits(product.result(version: version), usual) == 0, "version \(version)")
      }
    }
  }

  @Test func orderOfTheSumIsAsDocumented() {
    var generator = SeededGenerator(seed: 4)
    for inner in [1, 255, 256, 257, 700] {
      let product = Product(rows: 3, columns: 5, inner: inner, using: &generator)
      #expect(differingBits(product.result(threads: 1), product.documented) == 0)
    }
  }

  /// Some factors are read where they lie, some copied first: whole tiles of columns, rows of a length
  /// at which they collide in the cache.
  @Test(arguments: [(40, 64, 300), (20, 96, 1024), (512, 288, 260), (13, 800, 270), (30, 33, 512)])
  func factorsInPlaceGiveTheBitsOfCopies(rows: Int, columns: Int, inner: Int) {
    var generator = SeededGenerator(seed: 7)
    for _ in 0..<6 {
      let product = Product(rows: rows, columns: columns, inner: inner, using: &generator)
      for version in 1...CKernels_matrixProductVersions(CKernels_float32) {
        #expect(
          differingBits(product.result(version: version), product.documented) == 0,
          "version \(version), transposed: \(product.isATransposed), \(product.isBTransposed)")
      }
    }
  }

  /// Products of few rows have kernels of their own, which a row of a larger product must not show.
  @Test func fewRowsHaveTheBitsOfMany() {
    var generator = SeededGenerator(seed: 6)
    for rows in 1...6 {
      for inner in [40, 256, 700] {
        let product = Product(rows: rows, columns: 77, inner: inner, using: &generator)
        #expect(differingBits(product.result(threads: 1), product.documented) == 0)
      }
    }
  }

  @Test func packedFactorsGiveTheSameBits() {
    var generator = SeededGenerator(seed: 5)
    for columns in [7, 16, 33, 64, 96, 200] {
      let product = Product(rows: 29, columns: columns, inner: 300, using: &generator)
      #expect(differingBits(product.packedResult(), product.result(threads: 1)) == 0)
    }
  }

  @Test func gridsCoverTheProduct() {
    for (rows, columns) in [(1, 1), (5, 700), (700, 5), (64, 64), (1000, 768), (1024, 50257)] {
      for threads in [1, 2, 3, 8, 64] {
        for keepsRows in [false, true] {
          let grid = ProductGrid(
            rows: rows, columns: columns, inner: 768, threadCount: threads, keepsRows: keepsRows)
          var covered = 0
          for index in 0..<grid.count {
            let (rowRange, columnRange) = grid[index]
            covered += rowRange.count * columnRange.count
            #expect(!rowRange.isEmpty && !columnRange.isEmpty)
          }
          #expect(covered == rows * columns)
          #expect(grid.count <= threads)
        }
      }
    }
  }

  @Test func smallProductsAreNotShared() {
    #expect(ProductGrid(rows: 64, columns: 64, inner: 64, threadCount: 8).count == 1)
    #expect(ProductGrid(rows: 768, columns: 768, inner: 768, threadCount: 8).count == 8)
  }

  @Test func rowsOfActivationsStayWithAThread() {
    let grid = ProductGrid(rows: 768, columns: 512, inner: 128, threadCount: 2, keepsRows: true)
    #expect(grid[0] == (0..<384, 0..<512))
    #expect(grid[1] == (384..<768, 0..<512))
  }

  private func differingBits(_ a: [Float], _ b: [Float]) -> Int {
    zip(a, b).count { $0.bitPattern != $1.bitPattern }
  }
}
