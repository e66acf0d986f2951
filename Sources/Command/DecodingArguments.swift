import ArgumentParser
import LockstepModels
import LockstepSettings

/// How a beam search goes: the options that all commands which decode share.
struct SearchArguments: ParsableArguments {
  @Option(
    help: """
      Beam search: look for the likeliest text, with this many at a time; 1 is greedy.
      """)
  var beams: Int?

  @Option(
    help: """
      Texts are compared by their log-probability divided by their length to this power (default: 1, \
      the mean over tokens; 0 compares probabilities).
      """)
  var lengthPenalty: Double?

  func validate() throws {
    try Requirement.within(1...1024).check(beams, of: "--beams")
    try Requirement.nonNegative.check(lengthPenalty, of: "--length-penalty")
  }

  /// - Parameter defaults: What holds where nothing is given.
  func search(_ defaults: BeamSearch = BeamSearch(beams: 1)) -> BeamSearch {
    BeamSearch(
      beams: beams ?? defaults.beams, lengthPenalty: lengthPenalty ?? defaults.lengthPenalty)
  }
}

/// How a token is drawn: the options that all commands which decode share.
struct SamplingArguments: ParsableArguments {
  @Option(help: "Draw at random: divides the logits; 0 is greedy.")
  var temperature: Double?

  @Option(name: .customLong("top-k"), help: "Draw from this many of the likeliest tokens.")
  var topK: Int?

  @Option(
    name: .customLong("top-p"),
    help: "Draw from the likeliest tokens that together have this probability.")
  var topP: Double?

  @Option(help: "Decides all choices that are drawn.")
  var seed: UInt64 = 0

  func validate() throws {
    try Requirement.nonNegative.check(temperature, of: "--temperature")
    try Requirement.atLeast(1).check(topK, of: "--top-k")
    try Requirement("above 0 and at most 1") { 0 < $0 && $0 <= 1 }.check(topP, of: "--top-p")
  }

  /// Whether one of them was given, the seed aside.
  var isGiven: Bool { temperature != nil || topK != nil || topP != nil }

  /// - Parameter temperature: Where none is given.
  func options(temperature: Double) -> SamplingOptions {
    SamplingOptions(
      temperature: self.temperature ?? temperature, topK: topK, topP: topP, seed: seed)
  }
}

/// How a text is chosen: the options that `generate` and `translate` share.
struct DecodingArguments: ParsableArguments {
  @OptionGroup var beamSearch: SearchArguments

  @OptionGroup var drawing: SamplingArguments

  func validate() throws {
    func require(_ condition: Bool, _ message: String) throws {
      guard condition else { throw ValidationError(message) }
    }
    try require(
      beamSearch.beams == nil
        || drawing.temperature ?? 0 == 0 && drawing.topK == nil && drawing.topP == nil,
      """
      --beams looks for the likeliest text; --temperature above 0, --top-k and --top-p draw one at \
      random: give one or the other
      """)
    try require(
      beamSearch.lengthPenalty == nil || !draws,
      "--length-penalty goes with --beams, not with --temperature, --top-k or --top-p")
  }

  /// Whether a text is to be drawn token by token.
  var draws: Bool { beamSearch.beams == nil && drawing.isGiven }

  /// - Parameter temperature: Where none is given.
  func sampling(temperature: Double) -> SamplingOptions {
    drawing.options(temperature: temperature)
  }
}
