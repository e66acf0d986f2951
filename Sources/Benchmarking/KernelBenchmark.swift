import Foundation
import LockstepCommunication
import LockstepModels
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepReporting
import LockstepSettings
import LockstepTensors
import LockstepTraining

/// What this machine can do: matrix products, memory, and Lockstep's vector kernels, with one thread and
/// with all.
public struct KernelBenchmark: Encodable, Sendable, CustomStringConvertible {
  public struct Kernel: Encodable, Sendable {
    public let name: String
    public let gigabytes: Double
    /// Of the memory's bandwidth with as many threads, in 0 ... 1.
    public let bandwidthFraction: Double
  }

  /// Everything with one number of threads.
  public struct Run: Encodable, Sendable {
    public let threads: Int
    public let products: ProductBenchmark
    /// Nil where only products were asked for.
    public let memory: Memory?
  }

  /// What reads and writes memory, and little else.
  public struct Memory: Encodable, Sendable {
    /// Speed of b = a, in 10⁹ bytes a second.
    public let copyGigabytes: Double
    /// Speed of a += s · b, in 10⁹ bytes a second.
    public let updateGigabytes: Double
    /// The most that copying, updating or any kernel came to.
    public let bandwidthGigabytes: Double
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
  ///   - seconds: How long each kernel is measured, about; four times as long all products, and 40 times
  ///     where there is nothing else. Default: 0.1.
  ///   - elementCount: Of the kernels' arrays. Default: 16 Mi, 64 MiB.
  ///   - productsOnly: Whether nothing but Lockstep's products is measured. Default: false.
  /// - Throws: `AgreedError` with `NeedsOneProcessError`.
  public init(
    _ benchmark: BenchmarkCase, communicator: any Communicator, seconds: Double = 0.1,
    elementCount: Int = 16 << 20, productsOnly: Bool = false
  ) throws {
    try communicator.agree { if communicator.size > 1 { throw NeedsOneProcessError() } }
    let threadPlan = try ThreadPlan(
      requested: benchmark.plan.threads, communicator: communicator)
    let products = SyntheticText(benchmark).forwardProducts(threads: threadPlan.threads)
    name = benchmark.name
    openBLASKernels = OpenBLASKernels.current.name
    runs = try Set([1, threadPlan.threads]).sorted().map { threads in
      let pool = ThreadPool(threadCount: threads)
      return Run(
        threads: threads,
        products: try ProductBenchmark(
          products, on: pool, seconds: (productsOnly ? 40 : 4) * seconds,
          asksOpenBLAS: !productsOnly),
        memory: productsOnly
          ? nil : Memory(elementCount: elementCount, threads: pool, seconds: seconds))
    }
  }

  public var description: String {
    let products = runs.map(\.products)
    let instructions = products.first.map {
      "float32 by \($0.float32.instructions), bfloat16 by \($0.bfloat16.instructions)"
    }
    var parts = [
      "shapes of \(name); \(instructions ?? ""), OpenBLAS by its \(openBLASKernels) kernels"
    ]
    parts += products.map(\.description)
    if runs.allSatisfy({ $0.memory != nil }) { parts.append(memoryTable) }
    return parts.joined(separator: "\n\n")
  }

  private var memoryTable: String {
    let runs = runs.compactMap(\.memory)
    var kernels = TextTable(["memory and kernels, GB/s (of the bandwidth)", columns])
    kernels.add(["copy", cells(runs) { String(format: "%.1f       ", $0.copyGigabytes) }])
    kernels.add(["update", cells(runs) { String(format: "%.1f       ", $0.updateGigabytes) }])
    for (index, kernel) in (runs.first?.kernels ?? []).enumerated() {
      kernels.add([
        kernel.name,
        cells(runs) {
          let kernel = $0.kernels[index]
          return String(
            format: "%.1f (%3.0f %%)", kernel.gigabytes, 100 * kernel.bandwidthFraction)
        },
      ])
    }
    return kernels.lines.joined(separator: "\n")
  }

  private static let cellWidth = 16

  private var columns: String {
    cells(runs) { "\($0.threads) thread\($0.threads == 1 ? "" : "s")" }
  }

  /// One cell for each run, side by side.
  private func cells<Part>(_ parts: [Part], _ text: (Part) -> String) -> String {
    parts.map { part in
      let text = text(part)
      return String(repeating: " ", count: max(0, Self.cellWidth - text.count)) + text
    }.joined()
  }
}

extension KernelBenchmark.Memory {
  fileprivate init(elementCount: Int, threads: ThreadPool, seconds: Double) {
    let memory = BenchmarkMemory(
      arrayCount: VectorKernel.arrayCount, elementCount: elementCount)
    let bandwidth = MemoryBandwidth(memory, threads: threads, seconds: seconds)
    copyGigabytes = bandwidth.copyGigabytes
    updateGigabytes = bandwidth.updateGigabytes
    let speeds = VectorKernel.all.map { kernel in
      // Kernels leave in place what others would take for subnormal or infinite numbers.
      memory.reset()
      return (kernel.name, kernel.gigabytes(memory, threads: threads, seconds: seconds))
    }
    let most = speeds.reduce(max(copyGigabytes, updateGigabytes)) { max($0, $1.1) }
    bandwidthGigabytes = most
    kernels = speeds.map { name, gigabytes in
      KernelBenchmark.Kernel(name: name, gigabytes: gigabytes, bandwidthFraction: gigabytes / most)
    }
  }
}

/// A benchmark of one process's threads, started with several ranks.
public struct NeedsOneProcessError: UserInputError, Equatable {
  public let description =
    "kernels are measured in one process, which uses all processors: start it without mpirun"
}
