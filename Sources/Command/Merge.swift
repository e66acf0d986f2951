import ArgumentParser

/// `lockstep merge`: an adapter folded into the model that it belongs to.
struct Merge: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Folds an adapter into its model, and writes that as lockstep convert does.",
    discussion: """
      Before it says done, the command reads back what it wrote and compares its logits, on held-out text \
      of the run, with those of the model with the adapter. It refuses and leaves nothing where they \
      differ: in float32 by more than 0.001 of the largest logit, in types with fewer bits by more than \
      half of what the adapter changes on average.
      """)

  @Argument(help: "A run with an adapter, one of its checkpoints, or a directory that peft saved.")
  var source: String

  @OptionGroup var conversion: ConversionArguments

  @OptionGroup var key: KeyArguments

  func run() throws {
    try conversion.write(source, mergesAdapter: true)
  }
}
