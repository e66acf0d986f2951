import LockstepSettings

/// PLACEHOLDER until the real one is merged.
public struct PartitionConfiguration: Configurable {
  public enum Name: String, SettingChoice {
    case files, even
    public var documentation: String { rawValue }
  }
  public var name = Name.files
  public init() {}
  public static var fields: [Field<Self>] { [Field("name", \.name, meaning: "x")] }
  package var isOfFiles: Bool { name == .files }
  package var goesByClass: Bool { false }
  package func partition(count: Int, classes: [Int32]?, clients: Int, seed: UInt64) throws -> [[Int]] {
    (0..<clients).map { c in (0..<count).filter { $0 % clients == c } }
  }
}
