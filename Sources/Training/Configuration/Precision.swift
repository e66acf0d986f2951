import LockstepSettings
import LockstepTensors

/// In which format the model's matrices are multiplied.
///
/// Only the factors of products are rounded. Sums, parameters, gradients, the optimiser's state, norms,
/// softmax, loss and the reduction are 32-bit floats in either case.
public enum Precision: String, SettingChoice {
  case float32
  case bfloat16

  public var documentation: String {
    switch self {
    case .float32: "32-bit floats throughout."
    case .bfloat16:
      "The factors of the model's matrix products are rounded to bfloat16 (8 bits of precision, the range "
        + "of float32), and added up in float32. The result is the same on every processor; it is faster "
        + "than float32 on those with AMX, Intel's tile instructions."
    }
  }

  package var format: ProductFormat {
    switch self {
    case .float32: .float32
    case .bfloat16: .bfloat16
    }
  }
}

extension Precision {
  /// What a user should know of the instructions by which some ranks multiply; usually nothing.
  func remark(on instructions: Set<String>) -> String {
    self == .bfloat16 && instructions != ["AMX"]
      ? ": the same result as with AMX, no faster than float32" : ""
  }

  /// For tests of whole runs; see `ProductFormat.limitVersion(to:)`.
  package static func limitVersion(to version: Int) { ProductFormat.limitVersion(to: version) }
}

extension Plan {
  /// For people, how matrices are multiplied here; nil where there is nothing to say.
  var precisionSummary: String? {
    guard precision != .float32 else { return nil }
    let instructions = precision.format.instructions
    return "\(precision.rawValue), by \(instructions)" + precision.remark(on: [instructions])
  }
}

extension Workspace {
  /// A workspace whose products are those that a plan asks for.
  package convenience init(threadCount: Int, for plan: Plan) {
    self.init(
      threadCount: threadCount, format: plan.precision.format, library: plan.products.library)
  }
}
