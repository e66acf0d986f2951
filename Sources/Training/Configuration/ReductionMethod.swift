import LockstepSettings

/// How the ranks' gradients are added up.
public enum ReductionMethod: String, SettingChoice {
  case canonical
  case allreduce

  public var documentation: String {
    switch self {
    case .canonical: "In the order of one tree, whatever the number of ranks: always equal bits."
    case .allreduce: "By `MPI_Allreduce`, in an order that depends on the number of ranks."
    }
  }
}
