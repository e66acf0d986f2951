import LockstepCommunication
import LockstepSettings

/// How the ranks' gradients are added up.
public enum ReductionMethod: String, SettingChoice {
  case canonical
  case canonicalBfloat16 = "canonical-bfloat16"
  case canonicalInt8 = "canonical-int8"
  case allreduce

  public var documentation: String {
    switch self {
    case .canonical: "In the order of one tree, whatever the number of ranks: always equal bits."
    case .canonicalBfloat16:
      "In the same order, with each partial sum rounded to bfloat16 on its way: half as many bytes between "
        + "hosts, other bits than `canonical`, and the same on every number of ranks."
    case .canonicalInt8:
      "In the same order, with each partial sum rounded to eight bits in blocks of 128 that share a scale, up or "
        + "down by chance so that the mean stays: about a quarter of the bytes between hosts, other bits than "
        + "`canonical`, and the same on every number of ranks."
    case .allreduce: "By `MPI_Allreduce`, in an order that depends on the number of ranks."
    }
  }

  /// How nodes of the tree are kept and sent.
  package var partialSums: PartialSums {
    switch self {
    case .canonical, .allreduce: .float32
    case .canonicalBfloat16: .bfloat16
    case .canonicalInt8: .int8
    }
  }
}
