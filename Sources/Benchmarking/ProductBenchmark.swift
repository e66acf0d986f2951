import Foundation
import LockstepCommunication
import LockstepParallelism
import LockstepReporting
import LockstepTensors
import LockstepTraining

/// How fast a model's matrix products are computed with a number of threads: by Lockstep in either
/// precision, beside what the processor can do, and by OpenBLAS.
public struct ProductBenchmark: Encodable, Sendable, CustomStringConvertible {
  /// In 10⁹ operations a second.
  public struct Speed: Encodable, Sendable {
    public let gflops: Double
    /// In 0 ... 1.
    public let peakShare: Double
  }

  /// One product's speeds. With X [rows, inner] and W [inner, columns]: X W forward, Y Wᵀ for the gradient
  /// of the input, Xᵀ Y for that of the weight.
  public struct Shape: Encodable, Sendable {
    public let pass: String
    public let rows: Int
    public let inner: Int
    public let columns: Int
    /// How often a forward pass computes it.
    public let count: Int
    public let float32: Speed
    public let bfloat16: Speed
    /// In float32; nil where OpenBLAS was not asked.
    public let openBLASGflops: Double?
  }

  /// All products of a step together, each as often as it occurs.
  public struct Step: Encodable, Sendable {
    /// Those that Lockstep's products use, such as "AVX-512" and "AMX".
    public let instructions: String
    public let gflops: Double
    /// What the arithmetic of the processors can do: the best of what was measured before and after, and
    /// of what any product came to.
    public let peakGflops: Double
    /// In 0 ... 1.
    public let peakShare: Double
    /// Whether a product was faster than a loop of nothing but arithmetic, and so is the peak.
    public let peakIsAProducts: Bool
  }

  public let threads: Int
  public let shapes: [Shape]
  public let float32: Step
  public let bfloat16: Step
  /// All products of a step together; nil where OpenBLAS was not asked.
  public let openBLASGflops: Double?

  /// Measures.
  ///
  /// - Parameters:
  ///   - products: At least one with a weight.
  ///   - pool: Shares each out.
  ///   - seconds: How long, about; each product is computed three times at least.
  ///   - asksOpenBLAS: Whether OpenBLAS takes turns with Lockstep.
  init(
    _ products: ForwardProducts, on pool: ThreadPool, seconds: Double, asksOpenBLAS: Bool
  ) throws {
    let formats: [ProductFormat] = [.float32, .bfloat16]
    let own = formats.map { Products(format: $0, threads: pool) }
    let other = asksOpenBLAS ? [Products(library: .openBLAS, threads: pool)] : []
    let speed = ProductSpeed(of: products, by: own + other)
    func peak(of format: ProductFormat, atLeast fastest: Double = 0) throws -> Peak {
      try .measure(
        of: format, threads: pool, communicator: SoloCommunicator(), atLeast: fastest)
    }
    let before = try formats.map { try peak(of: $0) }
    for _ in 0..<3 { speed.measure(seconds: seconds / 3) }
    let peaks = try formats.indices.map { index in
      let fastest = speed.timings.map { $0.gigaflops(of: index) }.max() ?? 0
      var highest = Peak.highest(
        of: before[index],
        try peak(of: formats[index], atLeast: fastest > before[index].measured ? fastest : 0))
      highest.include(fastest)
      return highest
    }
    func step(_ index: Int) -> Step {
      let gflops = speed.gigaflops(of: index)
      return Step(
        instructions: formats[index].instructions, gflops: gflops,
        peakGflops: peaks[index].gigaflops, peakShare: peaks[index].share(of: gflops),
        peakIsAProducts: peaks[index].isExceeded)
    }
    threads = pool.threadCount
    float32 = step(0)
    bfloat16 = step(1)
    openBLASGflops = asksOpenBLAS ? speed.gigaflops(of: formats.count) : nil
    shapes = speed.timings.map { timing in
      func of(_ index: Int) -> Speed {
        let gflops = timing.gigaflops(of: index)
        return Speed(gflops: gflops, peakShare: peaks[index].share(of: gflops))
      }
      return Shape(
        pass: timing.pass.rawValue, rows: timing.measured.rows, inner: timing.measured.inner,
        columns: timing.measured.columns, count: timing.count, float32: of(0), bfloat16: of(1),
        openBLASGflops: asksOpenBLAS ? timing.gigaflops(of: formats.count) : nil)
    }
  }

  public var description: String {
    func cell(_ gflops: Double, _ share: Double) -> String {
      String(format: "%.1f (%3.0f %%)", gflops, 100 * share)
    }
    func plain(_ gflops: Double?) -> String { gflops.map { String(format: "%.1f", $0) } ?? "-" }
    var table = TextTable([
      "products, \(threads) thread\(threads == 1 ? "" : "s"), GFLOP/s (of the peak)", "rows",
      "inner",
      "columns", "float32", "bfloat16", "OpenBLAS",
    ])
    for shape in shapes {
      table.add([
        shape.pass.replacing("_", with: " "), "\(shape.rows)", "\(shape.inner)",
        "\(shape.columns)", cell(shape.float32.gflops, shape.float32.peakShare),
        cell(shape.bfloat16.gflops, shape.bfloat16.peakShare), plain(shape.openBLASGflops),
      ])
    }
    table.add([
      "a step's together", "", "", "", cell(float32.gflops, float32.peakShare),
      cell(bfloat16.gflops, bfloat16.peakShare), plain(openBLASGflops),
    ])
    table.add([
      "the peak", "", "", "", cell(float32.peakGflops, 1), cell(bfloat16.peakGflops, 1), "",
    ])
    let notices = [("float32", float32), ("bfloat16", bfloat16)].filter(\.1.peakIsAProducts).map {
      "In \($0.0) a product was faster than a loop of nothing but arithmetic, and so counts as the "
        + "peak: the processors' speed changes."
    }
    return (table.lines + notices).joined(separator: "\n")
  }
}
