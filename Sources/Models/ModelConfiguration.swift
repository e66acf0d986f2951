import Settings

/// The `model` section: an architecture, and the keys of that architecture.
public struct ModelConfiguration: Configurable {
  public enum Architecture: SettingVariants {
    case gpt(GPTConfiguration)

    public static var variants: [Variant<Self>] {
      [
        Variant(
          "gpt", "GPT-2's decoder: learned positions, pre-norm, GELU, tied head.", Self.gpt
        ) {
          if case .gpt(let configuration) = $0 { configuration } else { nil }
        }
      ]
    }
  }

  public var architecture: Architecture = .gpt(GPTConfiguration())

  public init() {}

  public init(_ architecture: Architecture) {
    self.architecture = architecture
  }

  public static var fields: [Field<Self>] {
    [Field("architecture", choosing: \.architecture, meaning: "The kind of network.")]
  }
}
