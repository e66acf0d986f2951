import LockstepDatasets

extension DataRecord {
  /// Describes token files.
  ///
  /// - Parameters:
  ///   - train: The files that are learned from, opened.
  ///   - validation: Those that are held out.
  ///   - named: As the configuration has them.
  ///   - tokenizer: With the special tokens that the task adds; nil: there is none.
  ///   - added: Their names.
  ///   - vectors: Where pretrained word vectors are; nil: there are none.
  ///   - vectorsNamed: As the configuration has them.
  init(
    train: [TokenFile], validation: [TokenFile], named: TokenDataConfiguration,
    tokenizer: (any Tokenizer)?, added: [String], vectors: String?, vectorsNamed: String?
  ) throws(TokenFileError) {
    func digests(_ files: [TokenFile]) throws(TokenFileError) -> [ContentDigest] {
      try files.map { (file) throws(TokenFileError) in try file.digest }
    }
    var files = File.list(
      "data.train", paths: named.train.elements.map(\.path), contents: try digests(train))
    files += File.list(
      "data.validation", paths: named.validation?.elements ?? [],
      contents: try digests(validation))
    // A file that can not be read is told of where its vectors are read.
    if let vectors, let vectorsNamed, let content = try? ContentDigest(ofFile: vectors) {
      files += File.list("word_vectors.path", paths: [vectorsNamed], contents: [content])
    }
    self.init(files: files, tokenizer: tokenizer.map { TokenizerRecord($0, added: added) })
  }

  /// Describes conversations.
  ///
  /// - Parameters:
  ///   - train: The files that are learned from, opened.
  ///   - validation: Those that are held out.
  ///   - named: As the configuration has them.
  init(
    train: ConversationFile, validation: ConversationFile?,
    named: ConversationDataConfiguration, tokenizer: (any Tokenizer)?
  ) throws(TokenFileError) {
    func list(
      _ key: String, _ path: String?, _ file: ConversationFile?
    ) throws(TokenFileError) -> [File] {
      guard let path, let file else { return [] }
      return File.list(
        key, paths: [path, ConversationFile.maskPath(of: path)],
        contents: [try file.tokens.digest, try file.marks.digest])
    }
    self.init(
      files: try list("data.train", named.train, train)
        + list("data.validation", named.validation, validation),
      tokenizer: tokenizer.map { TokenizerRecord($0, added: []) })
  }

  /// Describes texts and their classes.
  ///
  /// - Parameters:
  ///   - train: The content of the file that is learned from.
  ///   - validation: Of that which is held out.
  ///   - named: As the configuration has them.
  init(
    train: ContentDigest, validation: ContentDigest?, named: TextDataConfiguration,
    classes: [String], tokenizer: any Tokenizer
  ) {
    self.init(
      files: File.list("data.train", paths: [named.train], contents: [train])
        + File.list(
          "data.validation", paths: [named.validation].compactMap(\.self),
          contents: [validation].compactMap(\.self)),
      tokenizer: TokenizerRecord(tokenizer, added: []),
      samples: SampleRecord(target: named.target, classes: classes))
  }

  /// Describes texts and their translations.
  ///
  /// - Parameters:
  ///   - train: The files that are learned from, opened.
  ///   - validation: Those that are held out.
  ///   - named: As the configuration has them.
  init(
    train: PairFile, validation: PairFile?, named: PairDataConfiguration,
    tokenizer: any Tokenizer
  ) throws(TokenFileError) {
    func list(
      _ key: String, _ path: String?, _ file: TokenFile?
    ) throws(TokenFileError) -> [File] {
      File.list(
        key, paths: [path].compactMap(\.self), contents: [try file?.digest].compactMap(\.self))
    }
    self.init(
      files: try list("data.train_source", named.trainSource, train.source)
        + list("data.train_target", named.trainTarget, train.target)
        + list("data.validation_source", named.validationSource, validation?.source)
        + list("data.validation_target", named.validationTarget, validation?.target),
      tokenizer: TokenizerRecord(tokenizer, added: []))
  }
}
