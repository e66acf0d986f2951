// B texts, K rows of each text, V vocabulary, D width.

import LockstepTensors

/// Texts that go on together, token by token: all that greedy choice, sampling and beam search ask of a
/// model.
///
/// A text goes on in K ways at once, its rows: text b's are rows b · K ..< (b + 1) · K.
public protocol Continuation: AnyObject {
  /// B, before any is left out.
  var textCount: Int { get }

  /// The most tokens that a text may gain.
  ///
  /// - Parameter text: In 0 ..< B.
  func limit(of text: Int) -> Int

  /// The place of the first of these in the text, for errors. Default: 0.
  func firstPosition(of text: Int) -> Int

  /// Reads what the texts begin with. Called once, before all else.
  ///
  /// - Parameter rowsPerText: K.
  /// - Returns: The logits of each text's first token, [B, V].
  func begin(rowsPerText: Int) -> Tensor

  /// Adds a token to each row.
  ///
  /// - Parameter tokens: One for each row.
  /// - Returns: The logits of each row's next token, [rows, V].
  func logits(after tokens: [Int32]) -> Tensor

  /// Row r goes on from what row `rows[r]` was. The rows of a text stay together; texts may be left out,
  /// with all of their rows.
  func select(_ rows: [Int])
}

extension Continuation {
  public func firstPosition(of text: Int) -> Int { 0 }
}

/// Texts that a language model continues.
public final class PromptContinuation: Continuation {
  private let model: any LanguageModel
  private let prompts: [[Int32]]
  private let workspace: Workspace
  private let capacity: Int
  private var cache: GenerationCache?

  /// - Parameters:
  ///   - prompts: Each at least one token; of one that leaves no room, the last half of a context is
  ///     read.
  ///   - model: With its parameters bound in `workspace`.
  ///   - maxTokens: The most tokens that will be asked for: less memory is taken for few. Default: as many
  ///     as fit the model's context.
  public init(
    of prompts: [[Int32]], by model: any LanguageModel, maxTokens: Int? = nil,
    in workspace: Workspace
  ) {
    precondition(
      !prompts.isEmpty && prompts.allSatisfy { !$0.isEmpty },
      "a text starts from at least one token")
    let context = model.context
    self.model = model
    self.workspace = workspace
    self.prompts = prompts.map { $0.count < context ? $0 : $0.suffix(max(1, context / 2)) }
    let longest = self.prompts.reduce(0) { max($0, $1.count) }
    capacity = min(context, longest + min(maxTokens ?? context, context))
    // Texts differ in length, grow, and leave as they end: hardly a size is asked for twice.
    workspace.pool.sharesSizes = true
  }

  /// A single text.
  public convenience init(
    of prompt: [Int32], by model: any LanguageModel, in workspace: Workspace
  ) {
    self.init(of: [prompt], by: model, in: workspace)
  }

  public var textCount: Int { prompts.count }

  /// The last token needs no place: nothing follows it.
  public func limit(of text: Int) -> Int { model.context - prompts[text].count + 1 }

  public func firstPosition(of text: Int) -> Int { prompts[text].count }

  public func begin(rowsPerText: Int) -> Tensor {
    let lengths = prompts.map(\.count)
    let longest = lengths.max() ?? 0
    let cache = model.makeCache(sequences: textCount, capacity: capacity, in: workspace)
    self.cache = cache
    let padded = prompts.flatMap { $0 + [Int32](repeating: 0, count: longest - $0.count) }
    let states = model.states(
      of: Indices(padded, shape: [textCount, longest]), cache: cache)  // [B, t, D]
    cache.truncate(to: lengths)
    if rowsPerText > 1 {
      cache.select(prompts.indices.flatMap { [Int](repeating: $0, count: rowsPerText) })
    }
    let lasts = lengths.enumerated().map { Int32($0 * longest + $1 - 1) }
    return states.reshaped(to: [textCount * longest, states.shape.last])
      .rows(at: Indices(lasts, shape: [textCount]))  // [B, D]
      .linear(weight: model.headWeight.tensor)  // [B, V]
  }

  public func logits(after tokens: [Int32]) -> Tensor {
    guard let cache else { preconditionFailure("begin(rowsPerText:) comes first") }
    let logits = model.logits(
      of: Indices(tokens, shape: [tokens.count, 1]), cache: cache)  // [rows, 1, V]
    return logits.reshaped(to: [tokens.count, logits.shape.last])
  }

  public func select(_ rows: [Int]) { cache?.select(rows) }
}

/// Targets that a model writes to sources.
public final class TargetContinuation: Continuation {
  private let model: any SequenceToSequenceModel
  private let encoded: EncodedSource
  private let begin: Int32
  private var cache: DecodingCache?
  private let limit: Int

  /// Reads the sources.
  ///
  /// - Parameters:
  ///   - sources: The tokens of each, its end included; each at least one and at most the model's
  ///     context.
  ///   - begin: What each target begins with.
  ///   - model: With its parameters bound in a workspace.
  ///   - limit: The most tokens of a target, its end included; at most the model's context.
  public init(
    of sources: [[Int32]], begin: Int32, by model: any SequenceToSequenceModel, limit: Int
  ) {
    precondition(1...model.context ~= limit, "targets of \(limit) tokens are too long")
    let positions = sources.reduce(0) { max($0, $1.count) }
    let padded = sources.flatMap { $0 + [Int32](repeating: 0, count: positions - $0.count) }
    encoded = model.encode(
      source: Indices(padded, shape: [sources.count, positions]), lengths: sources.map(\.count))
    self.model = model
    self.begin = begin
    self.limit = limit
    // Sources differ in length, and texts leave as they end: hardly a size is asked for twice.
    encoded.states.workspace.pool.sharesSizes = true
  }

  public var textCount: Int { encoded.lengths.count }

  public func limit(of text: Int) -> Int { limit }

  public func begin(rowsPerText: Int) -> Tensor {
    let cache = model.makeCache(for: encoded, beams: rowsPerText, capacity: limit)
    self.cache = cache
    let states = model.states(
      of: Indices([Int32](repeating: begin, count: cache.rows), shape: [cache.rows, 1]),
      cache: cache)  // [B · K, 1, D]
    let firsts = (0..<textCount).map { Int32($0 * rowsPerText) }
    return states.reshaped(to: [cache.rows, states.shape.last])
      .rows(at: Indices(firsts, shape: [textCount]))  // [B, D]
      .linear(weight: model.headWeight.tensor)  // [B, V]
  }

  public func logits(after tokens: [Int32]) -> Tensor {
    guard let cache else { preconditionFailure("begin(rowsPerText:) comes first") }
    let logits = model.logits(
      of: Indices(tokens, shape: [tokens.count, 1]), cache: cache)  // [rows, 1, V]
    return logits.reshaped(to: [tokens.count, logits.shape.last])
  }

  public func select(_ rows: [Int]) { cache?.select(rows) }
}
