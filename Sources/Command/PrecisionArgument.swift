import ArgumentParser
import LockstepTraining

/// In which format a trained model's matrices are multiplied.
struct PrecisionArgument: ParsableArguments {
  @Option(
    help: """
      float32 or bfloat16: in which format matrices are multiplied. Default: that of the model's run.
      """)
  var precision: Precision?
}

extension Precision: ExpressibleByArgument {}
