import LockstepSettings
import LockstepTensors

/// The word for an activation.
public enum ActivationName: String, SettingChoice {
  case relu
  case leakyReLU = "leaky-relu"
  case gelu
  case geluTanh = "gelu-tanh"
  case silu
  case tanh

  public var documentation: String {
    switch self {
    case .relu: "max(0, x)."
    case .leakyReLU: "x where positive, else 0.01 x."
    case .gelu: "x Φ(x), Φ the normal distribution function."
    case .geluTanh: "Its approximation by tanh, GPT-2's."
    case .silu: "x / (1 + e⁻ˣ), also called swish."
    case .tanh: "The hyperbolic tangent."
    }
  }

  public var activation: Activation {
    switch self {
    case .relu: .relu
    case .leakyReLU: .leakyRelu(slope: 0.01)
    case .gelu: .gelu
    case .geluTanh: .geluTanh
    case .silu: .silu
    case .tanh: .tanh
    }
  }
}
