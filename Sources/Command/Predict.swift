import ArgumentParser
import LockstepCommunication
import LockstepDatasets
import LockstepSettings
import LockstepTensors
import LockstepTraining

struct Predict: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Predicts classes or values of new rows, images or texts with a trained model.",
    discussion: """
      What the file holds is what the model learned from. Of a table the columns that the model predicts from are \
      found by their names, in any order; the column of the answers may be there, and is then shown beside the \
      predictions. Images are an IDX file. Texts are lines; or, where the file's name ends in .csv or .jsonl, rows \
      or JSON objects with the text under the name that the run's data have. All may be gzipped.

      Predictions are written as the input is read, in its order: a table for people, CSV, or JSON objects. Of a \
      text that is longer than the model's context the beginning is read.
      """)

  /// What a file of texts looks like.
  enum TextFormat: String, ExpressibleByArgument, CaseIterable {
    case lines, csv, jsonl

    /// By a file's name.
    init(path: String?) {
      let name = path.map { $0.hasSuffix(".gz") ? String($0.dropLast(3)) : $0 } ?? ""
      self = name.hasSuffix(".csv") ? .csv : name.hasSuffix(".jsonl") ? .jsonl : .lines
    }
  }

  @Argument(
    help: """
      A run or a checkpoint of classification or regression, or a directory of transformers with a model that \
      sorts texts.
      """)
  var source: String

  @Argument(help: "The table (CSV), the images (IDX) or the texts; - is standard input.")
  var file = "-"

  @Flag(help: "Print comma-separated values: a header, then a line for each row.")
  var csv = false

  @Flag(help: "Print a JSON object for each row, on a line of its own.")
  var json = false

  @Option(
    help: """
      How many classes of each row, likeliest first. Default: 1 in the table for people; all in CSV and JSON.
      """)
  var top: Int?

  @Option(
    help: ArgumentHelp(
      "What a file of texts looks like. Default: as its name ends; lines.",
      valueName: "lines|csv|jsonl"))
  var format: TextFormat?

  @OptionGroup var text: TextArguments

  @Option(
    help: "Rows computed at a time; does not change what is said of them. Default: 64, of texts 16."
  )
  var batch: Int?

  @Flag(help: "Print nothing but predictions.")
  var quiet = false

  @OptionGroup var precision: PrecisionArgument

  @OptionGroup var key: KeyArguments

  func validate() throws {
    guard !(csv && json) else { throw ValidationError("--csv and --json exclude each other") }
    try Requirement.atLeast(1).check(top, of: "--top")
    try Requirement.within(1...4096).check(batch, of: "--batch")
  }

  func run() throws {
    try LaunchEnvironment.requireOneProcess(for: "predict")
    let workspace = Workspace(threadCount: ProcessorMask.current.usableCount)
    let trained = try TrainedModel.opened(source, in: workspace, precision: precision)
    let path = file == "-" ? nil : file
    if case .textClassification = trained.kind {
      try predictTexts(trained, path: path)
    } else {
      try predictSamples(trained, path: path)
    }
  }

  private var form: PredictionPrinter.Form { csv ? .csv : json ? .json : .table }
  /// How many classes of each row; nil: all.
  private var count: Int? { top ?? (form == .table ? 1 : nil) }

  // MARK: - Samples

  private func predictSamples(_ trained: TrainedModel, path: String?) throws {
    let predictor = try SamplePredictor(trained, batch: batch ?? 64)
    guard format == nil else { throw PredictError.formatOfNoTexts }
    let description = predictor.description
    try requireClasses(description.classNames)
    var printer = PredictionPrinter(
      form: form, classes: description.classNames, count: count, isQuiet: quiet)
    var pieces = try InputPieces(path: path)
    guard description.columns != nil else {
      try predictor.predict(images: pieces.all(), path: pieces.name, count: count) {
        try printer.write($0)
      }
      return try printer.finish()
    }
    try forEachTable(&pieces) { table, first in
      if let target = description.target, table.columns.contains(target) {
        printer.target = target
      }
      try predictor.predict(table, first: first, count: count) { try printer.write($0) }
    }
    try printer.finish()
  }

  private func requireClasses(_ classes: [String]?) throws {
    guard top == nil || classes != nil else { throw PredictError.topOfNoClasses }
  }

  /// - Parameter body: Gets a part of the rows, and the number of its first row; finds what is wrong with a row
  ///   before it writes anything.
  private func forEachTable(
    _ pieces: inout InputPieces, _ body: (CSVTable, Int) throws -> Void
  ) throws {
    var rows = NewRows(path: pieces.name)
    var count = 0
    var progress = LiveProgress(isWanted: !quiet, sharesTerminal: true)
    defer { progress.clear() }
    while true {
      let piece = try pieces.next()
      progress.show("predicting", done: pieces.readCount, of: pieces.byteCount, unit: .bytes)
      if count == 0, piece.starts(with: [0, 0, 8]) {
        throw SampleDataError.otherKindOfFile(
          path: pieces.name, found: "an IDX file", expected: "a table (CSV)")
      }
      try rows.append(piece, isEnd: piece.isEmpty) { table in
        try answer(table, before: { $0.rows(before: $1) }) { try body($0, count + 1) }
        count += table.rows.count
      }
      if piece.isEmpty { break }
    }
    if count == 0 { throw SampleDataError.noSamples(path: pieces.name) }
  }

  // MARK: - Texts

  private func predictTexts(_ trained: TrainedModel, path: String?) throws {
    let predictor = try TextPredictor(
      trained, batch: batch ?? 16, special: text.specialTokens)
    var printer = PredictionPrinter(
      form: form, classes: predictor.classes, count: count, isQuiet: quiet)
    switch format ?? TextFormat(path: path) {
    case .lines: try predictLines(predictor, path: path, &printer)
    case .csv:
      var pieces = try InputPieces(path: path)
      let (name, keys) = (pieces.name, predictor.keys)
      try forEachTable(&pieces) { table, first in
        if table.columns.contains(keys.target) { printer.target = keys.target }
        let texts = try NewText.rows(of: table, text: keys.text, target: keys.target)
        try printer.write(predictor.predict(texts, path: name, first: first, count: count))
      }
    case .jsonl:
      var lines = try LineReader(path: path)
      printer.target = predictor.keys.target
      let (name, keys) = (path ?? "standard input", predictor.keys)
      var (lineCount, textCount) = (0, 0)
      while let read = try lines.next() {
        try answer(read, first: lineCount + 1) { part in
          let texts = try part.enumerated().compactMap { place, line in
            try NewText(
              json: line, path: name, line: lineCount + place + 1, text: keys.text,
              target: keys.target)
          }
          try printer.write(
            predictor.predict(texts, path: name, first: textCount + 1, count: count))
          textCount += texts.count
        }
        lineCount += read.count
      }
      if textCount == 0 { throw SampleDataError.noSamples(path: name) }
    }
    try printer.finish()
  }

  private func predictLines(
    _ predictor: TextPredictor, path: String?, _ printer: inout PredictionPrinter
  ) throws {
    var lines = try LineReader(path: path)
    var lineCount = 0
    while let read = try lines.next() {
      try answer(read, first: lineCount + 1) {
        try printer.write(predictor.predict(lines: $0, first: lineCount + 1, count: count))
      }
      lineCount += read.count
    }
  }
}

/// Options that do not go with a model.
enum PredictError: UserInputError {
  case formatOfNoTexts
  case topOfNoClasses

  var description: String {
    switch self {
    case .formatOfNoTexts:
      "--format is of texts; this model reads samples, whose format is that of its run: leave it out"
    case .topOfNoClasses: "--top is of classes; this model predicts a value: leave it out"
    }
  }
}
