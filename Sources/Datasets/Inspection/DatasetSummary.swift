import Foundation
import LockstepFiles

/// What `lockstep inspect` tells of a directory that `lockstep prepare` made.
public struct DatasetSummary: Sendable, Encodable, CustomStringConvertible {
  /// What is learned from, or held out.
  public struct Part: Sendable, Encodable, Equatable {
    public let name: String
    /// What is in it: "tokens", "bytes", "pairs" and so on, each with its number.
    public let counts: [String: Int]
    fileprivate let words: String

    enum CodingKeys: String, CodingKey { case name, counts }
  }

  public let path: String
  /// "texts", "translations", "conversations" or "preferences".
  public let kind: String
  public let tokenizer: String
  public let vocabulary: Int
  public let parts: [Part]
  /// Texts that it was made from.
  public let inputs: [String]

  /// - Parameter path: A directory with a `dataset.json`.
  /// - Returns: Nil where there is none.
  /// - Throws: `PreparationError.outputNotReadable`.
  public init?(directory path: String) throws(PreparationError) {
    let file = "\(path)/\(DatasetFiles.manifestName)"
    let data: Data
    do throws(FileError) {
      guard try FileSystem.exists(file) else { return nil }
      data = try MappedFile(path: file).withBytes { Data($0) }
    } catch {
      throw .outputNotReadable(error)
    }
    let decoder = JSONFormat.decoder
    self.path = path
    let manifest: any PreparedManifest
    if let pairs = try? decoder.decode(PairManifest.self, from: data) {
      (manifest, kind) = (pairs, "translations")
      parts = Self.parts(pairs.train, pairs.validation) { name, part in
        Part(
          name: name,
          counts: [
            "pairs": part.pairs, "source_tokens": part.sourceTokens,
            "target_tokens": part.targetTokens,
          ],
          words: "\(part.pairs) pairs, \(part.sourceTokens) tokens to \(part.targetTokens)")
      }
    } else if let talks = try? decoder.decode(ConversationManifest.self, from: data) {
      manifest = talks
      let isOfPreferences = talks.rendering.preferences ?? false
      kind = isOfPreferences ? "preferences" : "conversations"
      parts = Self.parts(talks.train, talks.validation) { name, part in
        Part(
          name: name,
          counts: [
            "conversations": part.conversations, "tokens": part.tokens, "learned": part.learned,
          ],
          words:
            "\(part.conversations) conversations, \(part.tokens) tokens, \(part.learned) of them learned"
        )
      }
    } else if let texts = try? decoder.decode(DatasetManifest.self, from: data) {
      (manifest, kind) = (texts, "texts")
      parts = Self.parts(texts.train, texts.validation) { name, part in
        Part(
          name: name, counts: ["tokens": part.tokens, "bytes": part.bytes],
          words: "\(part.tokens) tokens of \(part.bytes) bytes")
      }
    } else {
      throw .unreadableInput(
        path: file, reason: "not a description that lockstep prepare wrote; make the data again")
    }
    tokenizer = manifest.tokenizer.kind.rawValue
    vocabulary = manifest.tokenizer.vocabularySize
    inputs = manifest.inputs.map { "\($0.name) (\($0.bytes) bytes)" }
  }

  private static func parts<Manifest>(
    _ train: Manifest, _ validation: Manifest?, _ part: (String, Manifest) -> Part
  ) -> [Part] {
    [part("train", train)] + (validation.map { [part("validation", $0)] } ?? [])
  }

  /// Names of inputs that are told; of more only their number is.
  private static let mostInputs = 8

  public var description: String {
    let told = inputs.prefix(Self.mostInputs).joined(separator: ", ")
    let more = inputs.count > Self.mostInputs ? " and \(inputs.count - Self.mostInputs) more" : ""
    let lines = parts.map {
      "  " + $0.name.padding(toLength: 12, withPad: " ", startingAt: 0) + $0.words
    }
    return """
      \(path): data set of \(kind), made by lockstep prepare
      \(lines.joined(separator: "\n"))
        tokenizer   \(tokenizer), \(vocabulary) tokens
        made from   \(told)\(more)
      """
  }
}
