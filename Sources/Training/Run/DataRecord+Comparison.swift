import LockstepDatasets
import LockstepFiles
import LockstepSettings

/// Something that a run's data no longer are.
public struct DataDifference: Equatable, Sendable {
  /// `data.train`.
  public let key: String
  /// What it was and what it is, as a phrase.
  public let description: String
  /// Whether a model that goes on with it would be another one: nobody can mean that.
  public let isMeaningless: Bool
}

extension DataRecord {
  /// What differs between the data of a run and those that it is to go on with.
  ///
  /// Means and deviations of samples are not compared: they are the model's, and it keeps them.
  ///
  /// - Parameter stored: What the run learned from.
  /// - Returns: What was changed, and of held-out files that the configuration now names others.
  func differences(
    from stored: DataRecord
  ) -> (changed: [DataDifference], renamed: [String]) {
    var changed: [DataDifference] = []
    if let difference = tokenizerDifference(from: stored.tokenizer) { changed.append(difference) }
    if let samples, let stored = stored.samples {
      changed += samples.differences(from: stored)
    }
    changed += weightDifferences(from: stored)
    var renamed: [String] = []
    for file in files where !file.isOfWeights {
      // Where the words of the configuration differ, it is the configuration that is compared.
      guard let before = stored.files.first(where: { $0.key == file.key }),
        before.path == file.path
      else {
        if file.isHeldOut { renamed.append(file.key) }
        continue
      }
      guard before.content != file.content else { continue }
      changed.append(file.difference(from: before, isMeaningless: false))
    }
    return (changed, renamed)
  }

  /// What differs between models that are read again when a run goes on, for its checkpoints do not hold them.
  func weightDifferences(from stored: DataRecord) -> [DataDifference] {
    File.weightKeys.flatMap { key -> [DataDifference] in
      let before = stored.files(of: key)
      guard let path = before.first?.path else { return [] }
      let now = files(of: key).filter { $0.path == path }
      guard !now.isEmpty else { return [] }
      guard before.count == now.count else {
        return [
          DataDifference(
            key: key, description: "\(path) had \(before.inWords), and has \(now.inWords)",
            isMeaningless: true)
        ]
      }
      return zip(before, now).filter { $0.content != $1.content }
        .map { $1.difference(from: $0, isMeaningless: true) }
    }
  }

  /// The files that a key names, in order: several where it names a list, or a model in parts.
  fileprivate func files(of key: String) -> [File] { files.filter { $0.baseKey == key } }

  private func tokenizerDifference(from stored: TokenizerRecord?) -> DataDifference? {
    guard tokenizer != stored else { return nil }
    func words(_ record: TokenizerRecord?) -> String {
      guard let record else { return "none" }
      return "\(record.sha256.prefix(12))… of \(record.tokens) tokens"
    }
    return DataDifference(
      key: "data.tokenizer",
      description: "the tokenizer was \(words(stored)), and is \(words(tokenizer))",
      isMeaningless: true)
  }
}

extension RunDirectory {
  /// How the data that this run learned from differ from another run's, one sentence each; nothing where one of
  /// them recorded none.
  ///
  /// - Throws: What reading the records throws.
  package func dataDifferences(from other: RunDirectory) throws -> [String] {
    guard let own = try storedData()?.record, let others = try other.storedData()?.record else {
      return []
    }
    let keys = own.files.map(\.baseKey).reduce(into: [String]()) {
      if !$0.contains($1) { $0.append($1) }
    }
    let counts = keys.compactMap { key -> String? in
      let (files, matches) = (own.files(of: key), others.files(of: key))
      guard let path = files.first?.path, let match = matches.first?.path,
        files.count != matches.count
      else { return nil }
      return "\(key): A \(path), \(files.inWords); B \(match), \(matches.inWords)"
    }
    let files = own.files.compactMap { file -> String? in
      guard own.files(of: file.baseKey).count == others.files(of: file.baseKey).count,
        let match = others.files.first(where: { $0.key == file.key }),
        match.content != file.content
      else { return nil }
      return
        "\(file.key): A \(file.path), \(file.content.words); B \(match.path), \(match.content.words)"
    }
    let tokenizers =
      own.tokenizer == others.tokenizer ? [] : ["data.tokenizer: not the same tokenizer"]
    let samples =
      own.samples == others.samples
      ? [] : ["columns, classes or the shape of samples are not the same"]
    return files + counts + tokenizers + samples
  }
}

extension DataRecord.File {
  fileprivate func difference(from stored: Self, isMeaningless: Bool) -> DataDifference {
    DataDifference(
      key: key, description: "\(path) had \(stored.content.words), and has \(content.words)",
      isMeaningless: isMeaningless)
  }
}

extension [DataRecord.File] {
  /// "52314 bytes (SHA-256 1f3a5c…)", or "3 files".
  fileprivate var inWords: String {
    count == 1 ? self[0].content.words : "\(count) files"
  }
}

extension DataRecord.SampleRecord {
  fileprivate func differences(from stored: Self) -> [DataDifference] {
    func difference(_ key: String, _ name: String, _ then: [String]?, _ now: [String]?)
      -> DataDifference?
    {
      guard then != now else { return nil }
      let (before, after) = (then ?? [], now ?? [])
      let lost = before.filter { !after.contains($0) }
      let new = after.filter { !before.contains($0) }
      let details =
        (lost.isEmpty ? [] : ["without \(lost.prefix(3).joined(separator: ", "))"])
        + (new.isEmpty ? [] : ["with \(new.prefix(3).joined(separator: ", "))"])
      let detail = details.isEmpty ? "in another order" : details.joined(separator: ", ")
      return DataDifference(
        key: key,
        description: "there were \(before.count) \(name), there are \(after.count), \(detail)",
        isMeaningless: true)
    }
    var found = [
      difference("data.columns", "columns", stored.columns, columns),
      difference("data.train", "classes", stored.classes, classes),
    ].compactMap(\.self)
    if shape != stored.shape && found.isEmpty {
      found.append(
        DataDifference(
          key: "data.train", description: "samples were \(stored.shape), and are \(shape)",
          isMeaningless: true))
    }
    return found
  }
}

extension Int {
  /// "1 file", "2 files".
  fileprivate var files: String { "\(self) file\(self == 1 ? "" : "s")" }
}

extension ContentDigest {
  /// "52314 bytes (SHA-256 1f3a5c…)".
  fileprivate var words: String { "\(bytes) bytes (SHA-256 \(sha256.prefix(12))…)" }
}

/// A run whose data are no longer what it learned from.
public struct DataChangedError: UserInputError, Equatable {
  /// The run's directory.
  public let run: String
  public let differences: [DataDifference]
  /// Whether one of its steps was to be taken again, and not the run to go on.
  public let isReplay: Bool

  public var description: String {
    let lines = differences.map { "  \($0.key): \($0.description)" }
    let way =
      isReplay
      ? "put the old data back: a step is taken again on what it learned from"
      : differences.contains(where: \.isMeaningless)
        ? "put the old data back, or start another run with another --output"
        : "put the old data back; or, if the change is meant, add --set data.changed=accept"
    return "\(run) learned from other data:\n\(lines.joined(separator: "\n"))\n  \(way)"
  }
}

extension DataRecord {
  /// Refuses weights that are not those which a run began with.
  ///
  /// - Parameters:
  ///   - found: The files that are there now.
  ///   - directory: Of a checkpoint, or a copy of one, that has a `data.json`.
  /// - Throws: `OtherWeightsError`; `DataRecordError` or `FileError` where it can not be read.
  static func requireWeights(_ found: [File], ofModelIn directory: String) throws {
    let path = directory + "/" + fileName
    let bytes = try MappedFile(path: path).withBytes { Array($0) }
    let stored = try DataRecord(json: bytes, path: path)
    let changed = DataRecord(files: found, tokenizer: stored.tokenizer).differences(from: stored)
      .changed
    if !changed.isEmpty { throw OtherWeightsError(model: directory, differences: changed) }
  }
}

/// A model that needs the weights which its run began with, and these are no longer there.
public struct OtherWeightsError: UserInputError, Equatable {
  /// The directory of the model.
  public let model: String
  public let differences: [DataDifference]

  public var description: String {
    let lines = differences.map { "  \($0.key): \($0.description)" }
    return "\(model) belongs to other weights than are there now:\n"
      + lines.joined(separator: "\n") + "\n"
      + "  put back the weights that the run began with; of a run that has gone on, take its newer checkpoints "
      + "away"
  }
}
