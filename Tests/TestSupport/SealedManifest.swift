import Foundation
import LockstepCheckpoints

/// A checkpoint's `manifest.json` as a test changes it. All hashes agree again when it is written.
public struct SealedManifest {
  public var members: [String: Any]

  /// - Throws: Where the JSON is no object.
  public init(json: Data) throws {
    guard let members = try JSONSerialization.jsonObject(with: json) as? [String: Any] else {
      throw CocoaError(.fileReadCorruptFile)
    }
    self.members = members
  }

  /// - Parameter checkpoint: The folder.
  public init(of checkpoint: String) throws {
    try self.init(json: Data(contentsOf: URL(fileURLWithPath: checkpoint + "/manifest.json")))
  }

  /// The entries of the files.
  public var files: [[String: Any]] {
    get { members["files"] as? [[String: Any]] ?? [] }
    set { members["files"] = newValue }
  }

  /// Makes the entry of a file that of another content.
  public mutating func sign(_ name: String, _ content: [UInt8]) throws {
    guard let index = files.firstIndex(where: { $0["name"] as? String == name }) else {
      throw CocoaError(.fileReadCorruptFile)
    }
    let entry = try JSONEncoder().encode(Manifest.File(name: name, content: content))
    files[index] = try JSONSerialization.jsonObject(with: entry) as? [String: Any] ?? [:]
  }

  /// The manifest with the seal that fits its members; without one where its version has none.
  ///
  /// - Throws: Where members are missing, or of another type.
  public func json() throws -> Data {
    var members = members
    members["seal"] = nil
    let json = try JSONSerialization.data(withJSONObject: members)
    let manifest = try JSONDecoder().decode(Manifest.self, from: json)
    if manifest.version >= 2 { members["seal"] = manifest.fittingSeal }
    return try JSONSerialization.data(withJSONObject: members, options: .sortedKeys)
  }

  /// Writes it into a checkpoint.
  public func write(to checkpoint: String) throws {
    try json().write(to: URL(fileURLWithPath: checkpoint + "/manifest.json"))
  }

  /// Turns a checkpoint's manifest into what Lockstep wrote before files were hashed in chunks.
  public static func makeFirstVersion(of checkpoint: String) throws {
    var manifest = try SealedManifest(of: checkpoint)
    manifest.members["version"] = 1
    manifest.files = try manifest.files.map { file in
      guard let name = file["name"] as? String else { throw CocoaError(.fileReadCorruptFile) }
      let content = try Data(contentsOf: URL(fileURLWithPath: checkpoint + "/" + name))
      return ["name": name, "bytes": content.count, "sha256": sha256(of: Array(content))]
    }
    try manifest.write(to: checkpoint)
  }
}
