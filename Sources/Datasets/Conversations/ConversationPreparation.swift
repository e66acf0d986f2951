import LockstepChatTemplates
import LockstepFiles
import LockstepRedaction

/// Makes a data set from conversations: `train.bin` and `train.mask.bin`, the same of what is held out,
/// `tokenizer.json`, the chat template, `dataset.json`.
///
/// The last conversations are held out. `dataset.json` is written last: a directory that has it is
/// complete.
public struct ConversationPreparation {
  /// What becomes of a conversation that is longer than the context.
  public enum TooLong: String, Sendable, Codable, CaseIterable {
    /// Its end is cut off; it is left out where no answer begins before that.
    case cut
    /// It is left out.
    case drop
    case error
  }

  static let otherNames =
    [DatasetFiles.trainName, DatasetFiles.validationName].map(ConversationFile.maskPath)
    + [ChatDescription.templateName, ChatDescription.configurationName]

  /// What was made, or found to be there already.
  public struct Outcome: Sendable, Equatable {
    public var manifest: ConversationManifest
    /// Whether the directory held this very data set before, so that nothing was written.
    public var wasPrepared: Bool

    /// What a user should know, one sentence each.
    public var notes: [String] {
      var notes = ConversationReader.notes(of: manifest.otherKeys)
      let joined = manifest.train.joined + (manifest.validation?.joined ?? 0)
      if joined > 0 {
        notes.append(
          "\(joined) answer\(joined == 1 ? " begins" : "s begin") inside of a token, which is learned whole"
        )
      }
      let endless = (manifest.train.endless ?? 0) + (manifest.validation?.endless ?? 0)
      if endless > 0 {
        notes.append(
          "\(endless) answer\(endless == 1 ? " does" : "s do") not end with a special token of the "
            + "tokenizer: a model does not learn from them where an answer ends; choose a template whose end of "
            + "an answer the tokenizer has as a token")
      }
      if manifest.validation == nil, manifest.request.validationFraction > 0 {
        notes.append(
          "nothing is held out, for there is one \(isPreferences ? "preference" : "conversation") alone; "
            + "set data.validation: null to train")
      }
      return notes
    }

    /// What was made, in a few lines.
    ///
    /// - Parameter directory: Where it is.
    public func summary(directory: String) -> String {
      let tokenizer = manifest.tokenizer
      return """
        \(wasPrepared ? "\(directory) already holds this data set" : directory)
          tokenizer   \(tokenizer.kind.rawValue), \(tokenizer.vocabularySize) tokens, \
        sha256 \(tokenizer.sha256.prefix(16))
          template    \(manifest.rendering.template), sha256 \
        \(manifest.rendering.templateSHA256.prefix(16))
          train       \(line(manifest.train))
          validation  \(manifest.validation.map(line) ?? "none")
        """
    }

    private var isPreferences: Bool { manifest.rendering.preferences == true }

    private func line(_ part: ConversationManifest.Part) -> String {
      (isPreferences
        ? "\(part.conversations / 2) preferences" : "\(part.conversations) conversations")
        + ", \(part.tokens) tokens, \(part.learned) of them learned"
        + (part.cut > 0 ? "; \(part.cut) cut" : "")
        + (part.dropped > 0 ? "; \(part.dropped) left out" : "")
    }
  }

  private let dataset: DatasetPreparation
  private let heldOut: [String]
  private let tokenizer: any Tokenizer
  private let template: ChatTemplate
  private let variables: ChatTemplate.Context
  private let form: ConversationReader.Form
  private let answers: ConversationEncoder.Answers
  private let context: Int?
  private let tooLong: TooLong

  /// - Parameters:
  ///   - inputs: Files of a JSON object a line; "-" is standard input.
  ///   - output: As of `DatasetPreparation`, like `validationFraction`, `overwrites` and `redactor`;
  ///     the fraction is one of conversations.
  ///   - heldOut: Files of conversations that are held out. Default: none; then a fraction of the inputs'
  ///     is, the last ones.
  ///   - tokenizer: Of the model that will learn.
  ///   - path: What the tokenizer was read from.
  ///   - template: Makes texts of conversations.
  ///   - variables: What the template is given.
  ///   - arePreferences: Whether each line has an answer that was chosen and one that was rejected; only
  ///     these, the last ones, are learned then. Default: no.
  ///   - answers: Which are learned. Default: all.
  ///   - context: T of the model that will learn: no conversation has more than T + 1 tokens; nil: as long
  ///     as they are. Default: nil.
  ///   - tooLong: What becomes of longer ones. Default: an error.
  public init(
    inputs: [String], heldOut: [String] = [], output: String, tokenizer: any Tokenizer,
    at path: String, template: ChatTemplate, variables: ChatTemplate.Context,
    arePreferences: Bool = false,
    answers: ConversationEncoder.Answers = .all,
    context: Int? = nil, tooLong: TooLong = .error,
    validationFraction: Double = DatasetPreparation.defaultValidationFraction,
    overwrites: Bool = false, redactor: Redactor? = nil
  ) {
    dataset = DatasetPreparation(
      inputs: inputs, output: output, tokenizer: .file(path),
      validationFraction: heldOut.isEmpty ? validationFraction : 0, overwrites: overwrites,
      redactor: redactor)
    self.heldOut = heldOut
    self.tokenizer = tokenizer
    (self.template, self.variables) = (template, variables)
    form = arePreferences ? .preference : .conversation
    self.answers = arePreferences ? .last : answers
    (self.context, self.tooLong) = (context, tooLong)
  }

  /// Makes the data set, unless the directory holds it already.
  ///
  /// - Parameter report: Called now and then while the work goes on; counts are conversations.
  /// - Throws: `ConversationError`, `PreparationError`, `TokenizerError` for what is wrong with the request
  ///   or the conversations; `FileError` if writing fails.
  public func run(
    report: (DatasetPreparation.Progress) -> Void = { _ in }
  ) throws -> Outcome {
    try dataset.checkRequest()
    if let context, context < 1 { throw ConversationError.invalidContext(context) }
    let redaction = dataset.redaction(.json)
    var documents = try InputDocument.open(dataset.inputs, redacting: redaction).documents
    let held =
      try heldOut.isEmpty ? nil : InputDocument.open(heldOut, redacting: redaction).documents
    var reader = ConversationReader(form)
    for document in documents { reader.read(document.bytes, path: document.name) }
    let firstHeldOut = reader.conversations.count
    for document in held ?? [] { reader.read(document.bytes, path: document.name) }
    documents += held ?? []
    try reader.violations.requireNone()
    let conversations = reader.conversations
    guard !conversations.isEmpty else {
      throw ConversationError.noConversations(paths: dataset.inputs + heldOut)
    }
    let lastCount =
      held == nil
      ? heldOutCount(of: conversations.count) : conversations.count - firstHeldOut
    let inputs = documents.map(\.record)
    let opened = try DatasetFiles.open(dataset.output) { () throws(PreparationError) in
      try existing(inputs, heldOut: held?.count)
    }
    switch opened {
    case .prepared(let manifest): return Outcome(manifest: manifest, wasPrepared: true)
    case .free(let files):
      var manifest = try encode(
        conversations, heldOut: lastCount, from: inputs, to: files, report: report)
      manifest.heldOutInputs = held?.count
      manifest.otherKeys = Dictionary(
        uniqueKeysWithValues: reader.otherKeys.map { ($0.key, $0.count) })
      try files.write(manifest)
      return Outcome(manifest: manifest, wasPrepared: false)
    }
  }

  /// Writes all files but the manifest.
  private func encode(
    _ conversations: [Conversation], heldOut: Int, from inputs: [DatasetManifest.Input],
    to files: DatasetFiles, report: (DatasetPreparation.Progress) -> Void
  ) throws -> ConversationManifest {
    try template.requireGenerationPlaces()
    var writing = ConversationWriting(
      encoder: ConversationEncoder(
        template: template, context: variables, tokenizer: tokenizer, answers: answers),
      mostTokens: context.map { $0 + 1 }, tooLong: tooLong, form: form)
    func encode(_ part: ArraySlice<Conversation>, _ name: String) throws
      -> ConversationWriting.Draft
    {
      try writing.encode(part, to: files.path(name)) {
        report(.encoding(done: $0, of: conversations.count))
      }
    }
    let train = try encode(conversations.dropLast(heldOut), DatasetFiles.trainName)
    let validation =
      try heldOut == 0
      ? nil : encode(conversations.suffix(heldOut), DatasetFiles.validationName)
    try writing.requireNoViolations()
    guard train.part.conversations > 0, validation?.part.conversations != 0 else {
      throw ConversationError.nothingLeft(paths: self.heldOut + dataset.inputs)
    }
    try files.clear()
    let manifest = ConversationManifest(
      request: dataset.request, rendering: rendering, inputs: inputs, otherKeys: [:],
      tokenizer: DatasetManifest.TokenizerRecord(
        kind: tokenizer.kind, vocabularySize: tokenizer.vocabularyCount,
        sha256: tokenizer.contentHash.description),
      train: try train.finish(), validation: try validation?.finish())
    try tokenizer.save(to: files.path(DatasetFiles.tokenizerName))
    let chat = ChatDescription(
      template: template.source, templatePath: template.name,
      specialTokens: variables.specialTokens)
    try AtomicFile.write(
      Array(template.source.utf8), to: files.path(ChatDescription.templateName))
    try AtomicFile.write(
      chat.configurationJSON, to: files.path(ChatDescription.configurationName))
    return manifest
  }

  /// The last conversations, at least those of one line of several; none for a fraction of 0.
  private func heldOutCount(of count: Int) -> Int {
    let lines = count / form.conversationCount
    guard dataset.validationFraction > 0, lines > 1 else { return 0 }
    return form.conversationCount
      * min(lines - 1, max(1, Int(Double(lines) * dataset.validationFraction)))
  }

  private var rendering: ConversationManifest.Rendering {
    let tokens = variables.specialTokens
    // Of the others only what can be in the text, like the date.
    let others = tokens.filter { name, _ in
      !["bos_token", "eos_token"].contains(name) && template.source.contains(name)
    }
    return ConversationManifest.Rendering(
      template: template.name,
      templateSHA256: Array(template.source.utf8).withUnsafeBytes { FileHash.sha256(of: $0) },
      beginOfText: tokens["bos_token"], endOfText: tokens["eos_token"],
      otherTokens: others.isEmpty ? nil : others,
      date: template.source.contains("strftime_now") ? variables.date?.description : nil,
      answers: answers, context: context, tooLong: tooLong,
      preferences: form == .preference ? true : nil)
  }

  /// The manifest of the data set that the directory holds, if it is the one asked for.
  private func existing(
    _ inputs: [DatasetManifest.Input], heldOut: Int?
  ) throws(PreparationError) -> ConversationManifest? {
    let found = try ConversationManifest.existing(
      for: dataset, inputs: inputs, tokenizerHash: tokenizer.contentHash)
    guard let found else { return nil }
    var wanted = rendering
    // The same text is the same template, wherever it lies.
    wanted.template = found.rendering.template
    if found.rendering == wanted && found.heldOutInputs == heldOut { return found }
    if dataset.overwrites { return nil }
    throw .outputDiffers(
      directory: dataset.output,
      reason: "its conversations were rendered with another template, date, context or choice, or "
        + "others were held out")
  }
}
