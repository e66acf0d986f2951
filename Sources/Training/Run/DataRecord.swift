import Foundation
import LockstepDatasets
import LockstepFiles
import LockstepSettings

/// What a run learns from, as far as it tells one run from another: `data.json`, beside `config.yaml`
/// in the run's directory and in each checkpoint.
///
/// The configuration says what the files are called; this says what is in them.
public struct DataRecord: Codable, Equatable, Sendable {
  static let fileName = "data.json"

  /// A file that is learned from, or evaluated on.
  public struct File: Codable, Equatable, Sendable {
    /// The key that names it, with its place in a list: `data.train[1]`.
    public let key: String
    /// As the configuration has it.
    public let path: String
    public let content: ContentDigest

    /// Whether it is only evaluated on.
    var isHeldOut: Bool { key.hasPrefix("data.validation") }

    /// The key without a place in a list.
    var baseKey: String { String(key.prefix { $0 != "[" }) }
  }

  /// What text was made tokens with.
  public struct TokenizerRecord: Codable, Equatable, Sendable {
    /// A hash of all that decides how text is encoded.
    public let sha256: String
    /// V, the tokens that the task adds included.
    public let tokens: Int
    /// The special tokens that the task adds: a mask, sentinels.
    public let added: [String]

    init(_ tokenizer: any Tokenizer, added: [String]) {
      sha256 = tokenizer.contentHash.description
      tokens = tokenizer.vocabularyCount
      self.added = added
    }
  }

  /// What the samples are.
  public struct SampleRecord: Codable, Equatable, Sendable {
    /// Of one sample; empty for texts.
    public let shape: [Int]
    /// A table's columns; nil for images.
    public let columns: [String]?
    /// The column to be predicted; nil for images.
    public let target: String?
    /// The classes' names in the order of their numbers; nil where a value is predicted.
    public let classes: [String]?

    init(_ description: SampleDescription) {
      shape = description.sampleShape
      columns = description.columns
      target = description.target
      classes = description.classes
    }

    /// Describes data of texts.
    init(target: String, classes: [String]) {
      (shape, columns) = ([], nil)
      self.target = target
      self.classes = classes
    }
  }

  public var files: [File]
  /// nil: there is none.
  public var tokenizer: TokenizerRecord?
  /// nil: the data are texts without classes.
  public var samples: SampleRecord?

  init(
    files: [File], tokenizer: TokenizerRecord? = nil, samples: SampleRecord? = nil
  ) {
    self.files = files
    self.tokenizer = tokenizer
    self.samples = samples
  }

  /// The record as it is stored.
  func json() throws -> [UInt8] {
    let encoder = JSONFormat.encoder(isIndented: true)
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return Array(try encoder.encode(self)) + [UInt8(ascii: "\n")]
  }

  /// - Parameter path: Where the bytes are from, for errors.
  init(json: some Sequence<UInt8>, path: String) throws(DataRecordError) {
    let decoder = JSONFormat.decoder
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    do {
      self = try decoder.decode(DataRecord.self, from: Data(json))
    } catch {
      throw DataRecordError(path: path)
    }
  }
}

/// A file that says what a run learned from can not be understood.
public struct DataRecordError: UserInputError, Equatable {
  public let path: String

  public var description: String { "\(path): not a record of data that Lockstep wrote" }
}

extension DataRecord.File {
  /// Files of one key, which is a list where there are several.
  ///
  /// - Parameters:
  ///   - key: `data.train`.
  ///   - paths: As the configuration has them.
  ///   - contents: Of the files, in the same order.
  static func list(
    _ key: String, paths: [String], contents: [ContentDigest]
  ) -> [DataRecord.File] {
    zip(paths, contents).enumerated().map { index, file in
      Self(key: paths.count > 1 ? "\(key)[\(index)]" : key, path: file.0, content: file.1)
    }
  }
}
