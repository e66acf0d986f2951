import LockstepSettings

/// A token file to learn from, and how much of it: an element of `data.train`.
public struct TokenSource: Configurable {
  public var path = "data/train.bin"
  /// Relative to those of the other files.
  public var weight = 1.0

  public init() {}

  /// - Parameter weight: Above 0. Default: 1.
  public init(path: String, weight: Double = 1) {
    self.path = path
    self.weight = weight
  }

  public static let shorthandKey: String? = "path"

  public static var expectation: String { "a path, or {path, weight}" }

  public static var fields: [Field<Self>] {
    [
      Field("path", \.path, .path, meaning: "Token file."),
      Field(
        "weight", \.weight, .above(0),
        meaning:
          "Share of the sequences that are read from this file, relative to the weights of the "
          + "others."),
    ]
  }
}
