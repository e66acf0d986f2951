import CLockstepKernels
import CLockstepOpenBLAS

/// Who multiplies matrices.
public enum ProductLibrary: Sendable {
  /// Lockstep's own kernels: one order of sums on every processor and at every cut.
  case canonical
  /// OpenBLAS's `cblas_sgemm`, the plain version beside the fast one. Its order of sums depends on the
  /// library's version, the processor and the number of threads.
  case openBLAS

  /// The name of the kernels that OpenBLAS picked for this processor, such as "Zen" or "SkylakeX".
  package static var openBLASKernels: String {
    openblas_get_corename().map { String(cString: $0) } ?? "unknown"
  }
}

/// What the factors of a product are rounded to before they are multiplied. Sums are single precision.
public enum ProductFormat: Sendable {
  /// Nothing is rounded.
  case float32
  /// Eight bits of precision, with the exponents of float32; for Lockstep's own kernels.
  case bfloat16

  var kernelFormat: CKernels_Format {
    switch self {
    case .float32: CKernels_float32
    case .bfloat16: CKernels_bfloat16
    }
  }
}
