import ArgumentParser

/// `lockstep convert`: a model in the form of other programs.
struct Convert: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Writes a model as transformers loads it, or as llama.cpp runs it.",
    discussion: """
      The output directory gets config.json, model.safetensors and the tokenizer's files; or, with \
      --format gguf, model.gguf, which has everything in it. It appears whole or not at all. What was \
      written is read back and compared. Norms, biases and other vectors of a GGUF file are in float32 \
      whatever the type; matrices whose rows blocks of 32 do not divide are in float16.
      """)

  @Argument(help: .model)
  var source: String

  @OptionGroup var conversion: ConversionArguments

  @OptionGroup var key: KeyArguments

  func run() throws {
    try conversion.write(source, mergesAdapter: false)
  }
}
