import LockstepSettings
import LockstepTensors

/// The library that multiplies the model's matrices.
public enum ProductMethod: String, SettingChoice {
  case canonical
  case openBLAS = "openblas"

  public var documentation: String {
    switch self {
    case .canonical:
      "Lockstep's kernels, in one order on every processor and for any number of threads: always equal "
        + "bits."
    case .openBLAS:
      "OpenBLAS's `cblas_sgemm`, in an order that depends on its version, the processor and the number "
        + "of threads."
    }
  }

  package var library: ProductLibrary {
    switch self {
    case .canonical: .canonical
    case .openBLAS: .openBLAS
    }
  }
}
