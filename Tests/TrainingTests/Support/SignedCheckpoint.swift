import Foundation
import TestSupport
import Testing

/// A run's checkpoint whose state is changed, and its manifest with it: all hashes agree.
struct SignedCheckpoint {
  let path: String

  init(of run: String, step: Int) {
    let digits = String(step)
    path =
      run + "/checkpoints/step-" + String(repeating: "0", count: 8 - digits.count) + digits
  }

  func members(_ name: String) throws -> [String: Any] {
    let data = try Data(contentsOf: URL(fileURLWithPath: path + "/" + name))
    return try #require(JSONSerialization.jsonObject(with: data) as? [String: Any])
  }

  func write(_ members: [String: Any], to name: String) throws -> Data {
    let data = try JSONSerialization.data(withJSONObject: members)
    try data.write(to: URL(fileURLWithPath: path + "/" + name))
    return data
  }

  func changeState(_ key: String, to value: Any) throws {
    var state = try members("state.json")
    state[key] = value
    let data = try write(state, to: "state.json")
    var manifest = try SealedManifest(of: path)
    try manifest.sign("state.json", Array(data))
    try manifest.write(to: path)
  }

  func notes() throws -> [String: String] {
    try #require(try members("state.json")["notes"] as? [String: String])
  }

  /// - Parameter text: Nil removes the note.
  func changeNote(_ name: String, to text: String?) throws {
    var notes = try notes()
    notes[name] = text
    try changeState("notes", to: notes)
  }
}
