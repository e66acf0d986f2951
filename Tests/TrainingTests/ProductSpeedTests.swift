import LockstepParallelism
import LockstepTensors
import LockstepTraining
import Testing

@Suite struct ProductSpeedTests {
  @Test(arguments: [1, 2])
  func theSpeedOfAllProductsLiesBetweenTheirs(threads: Int) {
    var products = ForwardProducts()
    products.add(rows: 40, inner: 24, columns: 70, count: 3)
    products.add(rows: 1_000, inner: 16, columns: 100)
    let pool = ThreadPool(threadCount: threads)
    let speed = ProductSpeed(
      of: products,
      by: [
        Products(threads: pool), Products(library: .openBLAS, threads: pool),
        Products(format: .bfloat16, threads: pool),
      ])
    speed.measure(seconds: 0)
    #expect(speed.timings.count == 6)
    for contestant in 0..<3 {
      let (whole, speeds) = (
        speed.gigaflops(of: contestant), speed.timings.map { $0.gigaflops(of: contestant) }
      )
      #expect(speeds.allSatisfy { $0 > 0 && $0.isFinite })
      #expect(speeds.min().map { $0 <= whole * (1 + 1e-9) } == true)
      #expect(speeds.max().map { $0 >= whole * (1 - 1e-9) } == true)
    }
  }

  @Test func productsAreMeasuredAtTheirSizeButForRowsThatMemoryHasNoRoomFor() {
    var products = ForwardProducts()
    products.add(rows: 300, inner: 1, columns: 500_000)
    products.add(rows: 3_000, inner: 8, columns: 40)
    let speed = ProductSpeed(of: products, by: [Products(threads: ThreadPool(threadCount: 1))])
    #expect(
      speed.timings.map(\.measured)
        == [
          ProductShape(rows: 134, inner: 1, columns: 500_000),
          ProductShape(rows: 3_000, inner: 8, columns: 40),
        ].flatMap { [$0, $0, $0] })
    #expect(speed.timings.map(\.shape.rows) == [300, 300, 300, 3_000, 3_000, 3_000])
  }
}
