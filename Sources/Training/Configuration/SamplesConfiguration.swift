import LockstepSettings

/// The `samples` section: what a run shows of its model while it trains.
public struct SamplesConfiguration: Configurable {
  /// Optimiser steps from one set of samples to the next; 0 shows none.
  public var every = 0
  /// Beginnings of texts that a language model continues, or texts with hidden tokens.
  public var prompts: [String] = []
  /// How many held-out samples are shown where there are no prompts.
  public var count = 3
  /// Most tokens of a text.
  public var maxTokens = 60
  /// Divides the logits; 0 always takes the likeliest token.
  public var temperature = 0.8

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "every", \.every, .count(from: 0),
        meaning: "Steps between samples, which the last step has, too; `0` shows none."),
      Field(
        "prompts", \.prompts,
        meaning:
          "What a language model continues; for `task: masked-language-modeling`, texts with `[MASK]`. "
          + "Other tasks show held-out samples."),
      Field(
        "count", \.count, .within(1...100),
        meaning: "How many held-out samples are shown by tasks that need no prompts."),
      Field(
        "max_tokens", \.maxTokens, .within(1...4096),
        meaning: "Most tokens of a text that is written."),
      Field(
        "temperature", \.temperature, .atLeast(0),
        meaning: "Divides the logits of language models; `0` always takes the likeliest token."),
    ]
  }

  /// Whether the step has samples.
  ///
  /// - Parameter isLast: Of the run.
  func isDue(step: Int, isLast: Bool) -> Bool {
    every > 0 && (isLast || step.isMultiple(of: every))
  }

  /// What must hold for a task of a kind.
  ///
  /// - Parameter answers: Whether it learns from conversations.
  func check(_ checks: inout SettingChecks, task: TaskName, answers: Bool) {
    guard every > 0 else { return }
    let needsPrompts =
      task == .maskedLanguageModeling || task == .languageModeling && !answers
    checks.require(
      needsPrompts || prompts.isEmpty, "samples.prompts",
      "none, because what is shown are held-out samples", involving: "task", "samples.every")
    checks.require(
      !needsPrompts || !prompts.isEmpty, "samples.prompts",
      "at least one text, because task is \(task.rawValue) and samples.every is above 0",
      involving: "task", "samples.every")
  }
}
