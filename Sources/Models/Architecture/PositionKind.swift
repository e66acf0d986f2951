import LockstepSettings

/// How a model knows the place of an element in a sequence.
public enum PositionKind: String, SettingChoice {
  case learned
  case sinusoidal

  public var documentation: String {
    switch self {
    case .learned: "A trained vector for each position."
    case .sinusoidal: "Sines and cosines of the position (Vaswani et al. 2017); nothing is trained."
    }
  }
}
