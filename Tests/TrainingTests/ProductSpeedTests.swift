import LockstepParallelism
import LockstepTensors
import LockstepTraining
import Testing

@Suite struct ProductSpeedTests {
  @Test(arguments: [1, 2])
  func theSpeedOfAllProductsLiesBetweenTheirs(threads: Int) {
    var products = ForwardProducts()
    products.add(rows: 40, inner: 24, columns: 70, count: 3)
    products.add(rows: 2_000, inner: 16, columns: 5_000)
    let speed = ProductSpeed(of: products, on: ThreadPool(threadCount: threads))
    speed.measure(seconds: 0)
    #expect(speed.timings.count == 6)
    // Larger products are measured in part.
    #expect(
      speed.timings.last?.measured == ProductShape(rows: 512, inner: 16, columns: 4_096))
    let speeds = speed.timings.map { $0.gigaflops(threads: threads) }
    #expect(speeds.allSatisfy { $0 > 0 && $0.isFinite })
    let rounding = 1e-9 * speed.gigaflops
    #expect(speeds.min().map { $0 <= speed.gigaflops + rounding } == true)
    #expect(speeds.max().map { $0 >= speed.gigaflops - rounding } == true)
  }
}
