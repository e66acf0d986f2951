import LockstepSettings

/// How the ranks' gradients are added up.
public enum ReductionMethod: String, SettingChoice {
  case canonical
  case canonicalBfloat16 = "canonical-bfloat16"
  case allreduce

  public var documentation: String {
    switch self {
    case .canonical: "In the order of one tree, whatever the number of ranks: always equal bits."
    case .canonicalBfloat16:
      "In the same order, with each partial sum rounded to bfloat16 on its way: half as many bytes between "
        + "hosts, other bits than `canonical`, and the same on every number of ranks."
    case .allreduce: "By `MPI_Allreduce`, in an order that depends on the number of ranks."
    }
  }
}
