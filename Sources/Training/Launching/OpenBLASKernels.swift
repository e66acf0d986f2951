import CLockstepKernels
import CLockstepOpenBLAS

/// Which kernels OpenBLAS picked when the program was loaded. One that does not know a processor, since
/// it is older, takes kernels for any processor, ten times slower than those that would fit.
package struct OpenBLASKernels: Codable, Sendable {
  /// As OpenBLAS calls them, such as "Zen" or "SkylakeX".
  package let name: String
  /// The level of this processor: x86-64-v4 with AVX-512, x86-64-v3 with AVX2.
  package let processorLevel: String
  /// Whether this OpenBLAS was built with several kernels, one of which may be asked for.
  package let canChoose: Bool

  package init(name: String, processorLevel: String, canChoose: Bool) {
    self.name = name
    self.processorLevel = processorLevel
    self.canChoose = canChoose
  }

  package static var current: OpenBLASKernels {
    OpenBLASKernels(
      name: openblas_get_corename().map { String(cString: $0) } ?? "unknown",
      processorLevel: String(cString: CKernels_processorLevel()),
      canChoose: openblas_get_config().map { String(cString: $0).contains("DYNAMIC_ARCH") } ?? false
    )
  }

  /// Kernels for x86-64 without fused multiply-adds, from OpenBLAS's list of cores.
  private static let generic: Set = [
    "generic", "katmai", "coppermine", "northwood", "prescott", "banias", "atom", "core2", "penryn",
    "dunnington", "nehalem", "athlon", "opteron", "opteron_sse3", "barcelona", "nano", "bobcat",
    "sandybridge",
  ]

  /// The value of OPENBLAS_CORETYPE that fits the processor; nil where generic kernels do.
  private var fitting: String? {
    switch processorLevel {
    case "x86-64-v4": "SkylakeX"
    case "x86-64-v3": "Haswell"
    default: nil
    }
  }

  /// What to change; nil where the kernels fit.
  package var finding: String? {
    guard let fitting, Self.generic.contains(name.lowercased()) else { return nil }
    return "OpenBLAS multiplies by its \(name) kernels, which leave most of this processor unused: "
      + "Lockstep's own products do not, but products: openblas is slow, and so is what benchmarks "
      + "compare with; "
      + (canChoose
        ? "set OPENBLAS_CORETYPE=\(fitting)"
        : "install one that is built with DYNAMIC_ARCH, as Debian's is")
  }
}
