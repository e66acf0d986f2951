import LockstepFiles
import LockstepRedaction

/// Makes a data set from texts and their translations, line for line: `train.source.bin`,
/// `train.target.bin`, the same of what is held out, `tokenizer.json`, `dataset.json`.
///
/// One tokenizer is trained on both languages. A text's tokens are followed by the end-of-text token,
/// so that text i of one file is the translation of text i of the other. `dataset.json` is written
/// last: a directory that has it is complete.
public struct PairPreparation: Sendable {
  static let partNames = ["train", "validation"].flatMap {
    ["\($0).source.bin", "\($0).target.bin"]
  }

  /// What was made, or found to be there already.
  public struct Outcome: Sendable, Equatable {
    public var manifest: PairManifest
    /// Whether the directory held this very data set before, so that nothing was written.
    public var wasPrepared: Bool

    /// What was made, in a few lines.
    public func summary(directory: String) -> String {
      let tokenizer = manifest.tokenizer
      return """
        \(wasPrepared ? "\(directory) already holds this data set" : directory)
          tokenizer   \(tokenizer.kind.rawValue), \(tokenizer.vocabularySize) tokens, \
        sha256 \(tokenizer.sha256.prefix(16))
          train       \(Self.line(manifest.train))
          validation  \(manifest.validation.map(Self.line) ?? "none")
        """
    }

    private static func line(_ part: PairManifest.Part) -> String {
      let skipped = part.skipped > 0 ? "; \(part.skipped) with an empty line left out" : ""
      return "\(part.pairs) pairs, \(part.sourceTokens) tokens to read, "
        + "\(part.targetTokens) to write\(skipped)"
    }
  }

  /// The text to translate and its translation.
  public var source: String
  public var target: String
  /// Held-out texts; nil holds out the last pairs.
  public var heldOut: (source: String, target: String)?
  /// The tokenizer, the output and the fraction of pairs to hold out.
  private let dataset: DatasetPreparation

  /// - Parameters:
  ///   - inputs: The text to translate, and its translation.
  ///   - heldOut: As `inputs`; empty: the last pairs of these are held out.
  ///   - output: As of `DatasetPreparation`, like `tokenizer`, `specialTokens`, `overwrites` and
  ///     `redactor`.
  ///   - validationFraction: As of `DatasetPreparation`; without meaning where there is `heldOut`.
  /// - Throws: `PairError.notTwoTexts`.
  public init(
    inputs: [String], heldOut: [String] = [], output: String,
    tokenizer: DatasetPreparation.TokenizerSource,
    validationFraction: Double = DatasetPreparation.defaultValidationFraction,
    specialTokens: SpecialTokens = .token, overwrites: Bool = false, redactor: Redactor? = nil
  ) throws(PairError) {
    guard inputs.count == 2 else { throw .notTwoTexts(count: inputs.count, option: nil) }
    guard heldOut.isEmpty || heldOut.count == 2 else {
      throw .notTwoTexts(count: heldOut.count, option: "--validation")
    }
    (source, target) = (inputs[0], inputs[1])
    self.heldOut = heldOut.isEmpty ? nil : (heldOut[0], heldOut[1])
    dataset = DatasetPreparation(
      inputs: inputs, output: output, tokenizer: tokenizer,
      validationFraction: heldOut.isEmpty ? validationFraction : 0, specialTokens: specialTokens,
      overwrites: overwrites,
      // Line n stays the translation of line n.
      redactor: redactor.map { given in
        var redactor = given
        redactor.keepsLines = true
        return redactor
      })
  }

  /// Makes the data set, unless the directory holds it already.
  ///
  /// - Parameter report: Called now and then while the work goes on.
  /// - Throws: `PairError`, `PreparationError`, `TokenizerError` for what is wrong with the request or the
  ///   texts; `FileError` if writing fails.
  public func run(
    report: (DatasetPreparation.Progress) -> Void = { _ in }
  ) throws -> Outcome {
    try dataset.checkRequest()
    let redaction = dataset.redaction(.text)
    let all = try PairedText(source: source, target: target, redacting: redaction)
    let given = try heldOut.map {
      try PairedText(source: $0.source, target: $0.target, redacting: redaction)
    }
    let held = given ?? all.last(fraction: dataset.validationFraction)
    let train = given == nil ? all.dropping(held) : all
    guard let train else {
      throw PairError.noPairs(source: source, target: target)
    }
    let inputs = (all.documents + (given?.documents ?? [])).map(\.record)
    let givenTokenizer = try dataset.givenTokenizer()
    let opened = try DatasetFiles.open(dataset.output) { () throws(PreparationError) in
      try PairManifest.existing(
        for: dataset, inputs: inputs, tokenizerHash: givenTokenizer?.contentHash)
    }
    let files: DatasetFiles
    switch opened {
    case .prepared(let manifest): return Outcome(manifest: manifest, wasPrepared: true)
    case .free(let free): files = free
    }
    let tokenizer = try givenTokenizer ?? dataset.train(on: train.spans, report)
    guard let endOfText = tokenizer.endOfText else {
      throw PairError.noEndOfText(path: dataset.request.tokenizer)
    }
    let total = train.byteCount + (held?.byteCount ?? 0)
    var done = 0
    func encode(_ text: PairedText, _ part: String) throws -> PairedText.Draft {
      try text.encode(
        to: files.path(part), tokenizer: tokenizer, endOfText: endOfText,
        special: dataset.specialTokens,
        report: {
          done += $0
          report(.encoding(done: done, of: total))
        })
    }
    let drafts = (
      train: try encode(train, "train"), validation: try held.map { try encode($0, "validation") }
    )
    try files.clear()
    let manifest = PairManifest(
      request: dataset.request, inputs: inputs,
      tokenizer: DatasetManifest.TokenizerRecord(
        kind: tokenizer.kind, vocabularySize: tokenizer.vocabularyCount,
        sha256: tokenizer.contentHash.description),
      train: try drafts.train.finish(), validation: try drafts.validation?.finish())
    try tokenizer.save(to: files.path(DatasetFiles.tokenizerName))
    try files.write(manifest)
    return Outcome(manifest: manifest, wasPrepared: false)
  }
}
