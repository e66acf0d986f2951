import LockstepFiles

/// The tokenizer that conversations are encoded with, and what the files beside it say of them.
public struct ChatTokenizer {
  /// Of the `tokenizer.json`.
  public let path: String
  public let description: ChatDescription

  /// - Parameter path: A tokenizer.json, or the directory of a model.
  /// - Throws: `PreparationError` where there is none; `ChatDescriptionError`, `TokenizerError`.
  public init(_ path: String) throws {
    let directory: String
    if FileSystem.isDirectory(path) {
      directory = path
      self.path = path + "/" + DatasetFiles.tokenizerName
    } else {
      let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropLast()
      directory = parts.isEmpty ? "." : parts == [""] ? "/" : parts.joined(separator: "/")
      self.path = path
    }
    guard try FileSystem.exists(self.path) else {
      throw PreparationError.unknownTokenizer(path)
    }
    var description = try ChatDescription(directory: directory)
    if description.endOfText == nil {
      description.endOfText = try TokenizerFile.load(self.path).endOfTextName
    }
    self.description = description
  }
}

extension Tokenizer {
  /// The name of the token between documents; nil: there is none.
  public var endOfTextName: String? {
    endOfText.map { String(decoding: vocabulary.bytes(of: $0), as: UTF8.self) }
  }
}
