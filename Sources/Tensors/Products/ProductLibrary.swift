import CLockstepKernels

/// The library that multiplies matrices.
public enum ProductLibrary: Sendable {
  /// Lockstep's own kernels: one order of sums on every processor and at every cut.
  case canonical
  /// OpenBLAS's `cblas_sgemm`, the plain version beside the fast one. Its order of sums depends on the
  /// library's version, the processor and the number of threads.
  case openBLAS
}

/// What the factors of a product are rounded to before they are multiplied. Sums are single precision.
public enum ProductFormat: Sendable {
  /// Nothing is rounded.
  case float32
  /// Eight bits of precision, with the exponents of float32; for Lockstep's own kernels.
  case bfloat16

  package var kernelFormat: CKernels_Format {
    switch self {
    case .float32: CKernels_float32
    case .bfloat16: CKernels_bfloat16
    }
  }

  /// How a tensor may be kept that is a factor of products in this format and nothing else; nil: as floats.
  var factorForm: CompactForm? {
    switch self {
    case .float32: nil
    case .bfloat16: .bfloat16
    }
  }

  /// The instructions by which Lockstep's kernels multiply factors of this format on this processor:
  /// "AMX", "AVX-512", "AVX2", or "plain" where it has none of these.
  public var instructions: String {
    let names = ["plain", "AVX2", "AVX-512", "AMX"]
    return names[Int(CKernels_matrixProductVersion(kernelFormat)) - 1]
  }

  /// For tests of whole runs: from now on, no product of this process is computed by a faster version
  /// than this one, of 1 (plain), 2 (AVX2), 3 (AVX-512) and 4 (AMX).
  package static func limitVersion(to version: Int) {
    CKernels_limitProductVersion(Int32(version))
  }
}
