import ArgumentParser

extension ArgumentHelp {
  /// What stands for a model.
  static let model: ArgumentHelp = """
    A run, a checkpoint, a directory with config.json and model.safetensors, or a GGUF file.
    """
}
