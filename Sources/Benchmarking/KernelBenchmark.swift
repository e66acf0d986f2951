import Foundation
import LockstepCommunication
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepSettings
import LockstepTensors
import LockstepTraining

/// What this machine can do: plain matrix products, memory, and Lockstep's vector kernels, with one
/// thread and with all.
public struct KernelBenchmark: Encodable, Sendable, CustomStringConvertible {
  /// A matrix product, measured as `measured…`.
  public struct Product: Encodable, Sendable {
    public let pass: String
    public let rows: Int
    public let inner: Int
    public let columns: Int
    /// How often a forward pass computes it.
    public let count: Int
    /// By OpenBLAS.
    public let sgemmGflops: Double
    /// By Lockstep.
    public let gflops: Double
  }

  public struct Kernel: Encodable, Sendable {
    public let name: String
    public let gigabytes: Double
    /// Of the memory's bandwidth with as many threads.
    public let bandwidthFraction: Double
  }

  /// Everything with one number of threads.
  public struct Run: Encodable, Sendable {
    public let threads: Int
    /// All products of a step together, each as often as it occurs, by OpenBLAS.
    public let sgemmGflops: Double
    /// The same by Lockstep.
    public let productGflops: Double
    public let products: [Product]
    /// In 10⁹ bytes a second.
    public let copyGigabytes: Double
    public let updateGigabytes: Double
    public let kernels: [Kernel]
  }

  /// The case or configuration whose shapes were measured.
  public let name: String
  public let openBLASKernels: String
  /// With one thread, then with all, where there are more.
  public let runs: [Run]

  /// Measures. Collective, on one rank.
  ///
  /// - Parameters:
  ///   - benchmark: Whose products are measured.
  ///   - seconds: How long each kernel is measured, about. Default: 0.1.
  ///   - elementCount: Of the kernels' arrays. Default: 16 Mi, 64 MiB.
  /// - Throws: `AgreedError` with `NeedsOneProcessError`.
  public init(
    _ benchmark: BenchmarkCase, communicator: any Communicator, seconds: Double = 0.1,
    elementCount: Int = 16 << 20
  ) throws {
    try communicator.agree { if communicator.size > 1 { throw NeedsOneProcessError() } }
    let threadPlan = try ThreadPlan(
      requested: benchmark.plan.threads, communicator: communicator)
    let products = SyntheticText(benchmark).forwardProducts(threads: threadPlan.threads)
    let memory = BenchmarkMemory(
      arrayCount: VectorKernel.arrayCount, elementCount: elementCount)
    name = benchmark.name
    openBLASKernels = OpenBLASKernels.current.name
    runs = Set([1, threadPlan.threads]).sorted().map { threads in
      Run(products, memory, workspace: Workspace(threadCount: threads), seconds: seconds)
    }
  }

  public var description: String {
    var products = TextTable(
      "matrix products, GFLOP/s (OpenBLAS)", "rows", "inner", "columns", columns)
    for (index, product) in (runs.first?.products ?? []).enumerated() {
      products.add(
        product.pass.replacing("_", with: " "), "\(product.rows)", "\(product.inner)",
        "\(product.columns)",
        cells {
          let product = $0.products[index]
          return String(format: "%.1f (%.1f)", product.gflops, product.sgemmGflops)
        })
    }
    products.add(
      "a step's together", "", "", "",
      cells { String(format: "%.1f (%.1f)", $0.productGflops, $0.sgemmGflops) })
    var kernels = TextTable("memory and kernels, GB/s (of the bandwidth)", columns)
    kernels.add("copy", cells { String(format: "%.1f       ", $0.copyGigabytes) })
    kernels.add("update", cells { String(format: "%.1f       ", $0.updateGigabytes) })
    for (index, kernel) in (runs.first?.kernels ?? []).enumerated() {
      kernels.add(
        kernel.name,
        cells {
          let kernel = $0.kernels[index]
          return String(
            format: "%.1f (%3.0f %%)", kernel.gigabytes, 100 * kernel.bandwidthFraction)
        })
    }
    let title = "shapes of \(name), \(openBLASKernels) kernels of OpenBLAS"
    return ([title, ""] + products.lines + [""] + kernels.lines).joined(separator: "\n")
  }

  private static let cellWidth = 16

  private var columns: String {
    cells { "\($0.threads) thread\($0.threads == 1 ? "" : "s")" }
  }

  /// One cell for each run, side by side.
  private func cells(_ text: (Run) -> String) -> String {
    runs.map { run in
      let text = text(run)
      return String(repeating: " ", count: max(0, Self.cellWidth - text.count)) + text
    }.joined()
  }
}

extension KernelBenchmark.Run {
  fileprivate init(
    _ products: ForwardProducts, _ memory: BenchmarkMemory, workspace: Workspace, seconds: Double
  ) {
    let pool = workspace.threads
    threads = pool.threadCount
    let sgemm = ProductSpeed(of: products, on: pool)
    let own = ProductSpeed(of: products, on: pool, by: .canonical)
    // In turns, so that both see the same machine.
    for _ in 0..<5 {
      sgemm.measure(seconds: seconds / 2)
      own.measure(seconds: seconds / 2)
    }
    sgemmGflops = sgemm.gigaflops
    productGflops = own.gigaflops
    self.products = zip(own.timings, sgemm.timings).map { timing, sgemm in
      KernelBenchmark.Product(
        pass: timing.pass.rawValue, rows: timing.shape.rows, inner: timing.shape.inner,
        columns: timing.shape.columns, count: timing.count,
        sgemmGflops: sgemm.gigaflops(threads: pool.threadCount),
        gflops: timing.gigaflops(threads: pool.threadCount))
    }
    memory.reset()
    let bandwidth = MemoryBandwidth(memory, threads: pool, seconds: seconds)
    copyGigabytes = bandwidth.copyGigabytes
    updateGigabytes = bandwidth.updateGigabytes
    kernels = VectorKernel.all.map { kernel in
      // Kernels leave in place what others would take for subnormal or infinite numbers.
      memory.reset()
      let gigabytes = kernel.gigabytes(memory, threads: pool, seconds: seconds)
      return KernelBenchmark.Kernel(
        name: kernel.name, gigabytes: gigabytes, bandwidthFraction: gigabytes / bandwidth.best)
    }
  }
}

/// A benchmark of one process's threads, started with several ranks.
public struct NeedsOneProcessError: UserInputError, Equatable {
  public let description =
    "kernels are measured in one process, which uses all processors: start it without mpirun"
}
