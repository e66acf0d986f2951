import LockstepSettings
import LockstepTensors

/// How matrices that are not trained are kept in memory.
public enum FrozenWeights: String, SettingChoice {
  case float32
  case bfloat16
  case q8x0 = "q8_0"

  public var documentation: String {
    switch self {
    case .float32: "As they are, 4 bytes an element."
    case .bfloat16: "Rounded to bfloat16, 2 bytes an element."
    case .q8x0:
      "Rounded to GGUF's Q8_0, 17 bytes for 16 elements, where rows have a multiple of 32 elements."
    }
  }

  /// Nil: as floats.
  public var form: CompactForm? {
    switch self {
    case .float32: nil
    case .bfloat16: .bfloat16
    case .q8x0: .q8x0
    }
  }
}
