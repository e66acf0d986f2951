import LockstepCommunication
import LockstepPrivacy
import LockstepReporting

/// The key of one private training, on every rank.
package struct PrivacySession: Sendable {
  /// Of this training alone; see `PrivacyKey.derived`.
  let key: PrivacyKey
  /// The fingerprint of the key in the file.
  let fingerprint: String
  /// Where that is.
  let path: String

  /// - Parameters:
  ///   - key: Of this training alone.
  ///   - fingerprint: Of the key in the file.
  ///   - path: Where that is.
  package init(key: PrivacyKey, fingerprint: String, path: String) {
    (self.key, self.fingerprint, self.path) = (key, fingerprint, path)
  }
}

extension RunConfiguration {
  /// The key of a private run, which rank zero reads and the others get from it. Collective.
  ///
  /// - Parameters:
  ///   - data: What is learned from; on rank zero.
  ///   - directory: Of the run; nil: it saves nothing.
  /// - Returns: Nil where the run is not private.
  /// - Throws: `AgreedError` with a `PrivacyError`.
  func privacySession(
    data: DataRecord?, directory: RunDirectory?, _ communicator: any Communicator
  ) throws -> PrivacySession? {
    guard plan.privacy.isOn, let named = plan.privacy.keyFile else { return nil }
    let path = Self.path(named, startingFrom: recipe.directory)
    var fingerprint = ""
    let bytes = try communicator.fromRankZero {
      let key = try PrivacyKey(readFrom: path, forRunIn: directory?.path)
      fingerprint = key.fingerprint
      return key.derived(for: try trainingDescription(data)).bytes
    }
    let name = try communicator.valueFromRankZero { fingerprint }
    return PrivacySession(key: PrivacyKey(bytes: bytes), fingerprint: name, path: path)
  }

  /// The key that noise and samples are drawn with, of a run whose task was made in code: for tests, which draw the
  /// same.
  package func derivedKey(data: DataRecord? = nil) throws -> PrivacyKey? {
    try privacySession(data: data, directory: nil, SoloCommunicator())?.key
  }

  /// All that decides the run's parameters, in words, with what is in the files. A version of Lockstep may compute
  /// other gradients than another.
  private func trainingDescription(_ data: DataRecord?) throws -> String {
    var content = data
    // Where the files are decides nothing.
    content?.files = data?.files.map { .init(key: $0.key, path: "", content: $0.content) } ?? []
    let record = try content.map { String(decoding: try $0.json(), as: UTF8.self) }
    return Provenance.current.version + "\n" + identity + (record ?? "")
  }
}
