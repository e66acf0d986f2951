import ArgumentParser
import LockstepDatasets

/// How a text is read that is given to a command.
struct TextArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      What names of special tokens in the text are: these tokens, as Hugging Face's tokenizers reads \
      them, or text that is spelled out.
      """, valueName: "token|text"))
  var specialTokens = SpecialTokens.token
}

extension SpecialTokens: ExpressibleByArgument {}
