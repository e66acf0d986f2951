import Foundation
import LockstepFiles

/// What every `dataset.json` tells: what was asked for, and what was made of it.
public protocol PreparedManifest: Sendable, Codable, Equatable {
  /// What was asked for.
  var request: DatasetManifest.Request { get }
  /// The texts, in order.
  var inputs: [DatasetManifest.Input] { get }
  /// The tokenizer.
  var tokenizer: DatasetManifest.TokenizerRecord { get }
  /// The token files, and the SHA-256 of each in hexadecimal.
  var tokenFiles: [(name: String, sha256: String)] { get }
}

extension PreparedManifest {
  /// The manifest as it stands in `dataset.json`, UTF-8.
  public func json() throws -> [UInt8] {
    Array(try JSONFormat.encoder(isIndented: true).encode(self)) + [UInt8(ascii: "\n")]
  }

  /// The manifest of the data set that the directory holds, if it is the one asked for; nil if there
  /// is none, or one that may be overwritten.
  ///
  /// - Parameter tokenizerHash: The tokenizer's, if it is taken from a file.
  /// - Throws: `PreparationError.outputDiffers` if it holds another that must not be overwritten,
  ///   `.outputNotReadable`.
  static func existing(
    for dataset: DatasetPreparation, inputs: [DatasetManifest.Input], tokenizerHash: TokenizerHash?
  ) throws(PreparationError) -> Self? {
    let directory = dataset.output
    let present: [String]
    var manifest: Self?
    do throws(FileError) {
      present = try FileSystem.namesIfAny(in: directory).filter(DatasetFiles.names.contains)
      if present.contains(DatasetFiles.manifestName) {
        manifest = try load("\(directory)/\(DatasetFiles.manifestName)")
      }
    } catch {
      throw .outputNotReadable(error)
    }
    if present.isEmpty { return nil }
    let reason: String
    if let manifest {
      let difference =
        manifest.difference(from: dataset.request, inputs: inputs, tokenizerHash: tokenizerHash)
        ?? manifest.damage(in: directory)
      guard let difference else { return manifest }
      reason = difference
    } else {
      reason =
        "it is not complete: \(present.joined(separator: ", ")) without a valid "
        + "\(DatasetFiles.manifestName) of this kind"
    }
    if dataset.overwrites { return nil }
    throw .outputDiffers(directory: directory, reason: reason)
  }

  /// Reads a `dataset.json`; nil if it is none of this kind.
  private static func load(_ path: String) throws(FileError) -> Self? {
    let data = try MappedFile(path: path).withBytes { Data($0) }
    return try? JSONFormat.decoder.decode(Self.self, from: data)
  }

  /// How a data set for this request and these inputs would differ; nil if it would be the same.
  private func difference(
    from request: DatasetManifest.Request, inputs: [DatasetManifest.Input],
    tokenizerHash: TokenizerHash?
  ) -> String? {
    if inputs.map(\.sha256) != self.inputs.map(\.sha256) { return "it was made from other text" }
    if let tokenizerHash {
      if tokenizerHash.description != tokenizer.sha256 { return "it has another tokenizer" }
    } else if request.tokenizer != self.request.tokenizer {
      return "its tokenizer is '\(self.request.tokenizer)'"
    }
    if request.vocabularySize != self.request.vocabularySize {
      return "its vocabulary size is \(self.request.vocabularySize.map { "\($0)" } ?? "given")"
    }
    if request.validationFraction != self.request.validationFraction {
      return "its validation fraction is \(self.request.validationFraction)"
    }
    if request.redaction != self.request.redaction {
      return self.request.redaction == nil
        ? "its text was not redacted" : "its text was redacted otherwise"
    }
    // A tokenizer that was learned has no added token but the one between documents.
    if tokenizerHash != nil,
      (request.specialTokens ?? .text) != (self.request.specialTokens ?? .text)
    {
      return "names of special tokens in its text are \(self.request.specialTokens ?? .text)"
    }
    return nil
  }

  /// How the files of a directory differ from what this says; nil if they do not.
  private func damage(in directory: String) -> String? {
    func isNot(_ name: String) -> String {
      "its \(name) is not the one its \(DatasetFiles.manifestName) tells of"
    }
    do {
      let path = "\(directory)/\(DatasetFiles.tokenizerName)"
      guard try TokenizerFile.load(path).contentHash.description == tokenizer.sha256 else {
        return isNot(DatasetFiles.tokenizerName)
      }
      for (name, hash) in tokenFiles {
        guard try FileHash.sha256(ofFile: "\(directory)/\(name)") == hash else {
          return isNot(name)
        }
      }
    } catch {
      return "it is damaged (\(error))"
    }
    return nil
  }
}
