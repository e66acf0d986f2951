import LockstepFiles
import LockstepKeys
import LockstepSettings

/// Why a run can not be private as it is configured.
public enum PrivacyError: UserInputError, Equatable {
  /// No noise is enough.
  case unreachable(epsilon: Double, delta: Double)
  /// A batch has more samples than there are.
  case tooFewSamples(count: Int, batch: Int)
  /// δ is so large that a whole sample could be published.
  case largeDelta(delta: Double, count: Int)
  /// Not even one step can be taken.
  case noStep(epsilon: Double, first: Double)
  /// There is no key at this path that may be used.
  case key(path: String, KeyError)
  /// It lies where the run is stored, and would be copied with it.
  case keyInRun(path: String, run: String)
  /// A run goes on under another key.
  case otherKey(path: String, stored: String, found: String)
  /// Nobody handed over a key.
  case keyNotGiven
  /// The task can not tell its samples apart.
  case noSamples(task: String)
  /// What a checkpoint says was done is not what the configuration says.
  case otherNoise(stored: Double, found: Double)
  /// The steps of a checkpoint drew each sample with another probability than those to come would.
  case otherRate(stored: Double, found: Double, count: Int)
  /// So many steps' rounding errors may exceed δ, and PRV can promise nothing.
  case roundedDelta(delta: Double, steps: Int)

  public var description: String {
    switch self {
    case .unreachable(let epsilon, let delta):
      "privacy.epsilon: no noise is enough for \(epsilon) at a delta of \(delta): allow more, or take fewer steps "
        + "or smaller batches"
    case .tooFewSamples(let count, let batch):
      "batch: a step has \(batch) samples on the average, and there are only \(count) to draw from: set "
        + "batch.sequences or batch.microbatches lower"
    case .largeDelta(let delta, let count):
      "privacy.delta: \(delta) is not below 1 / \(count), the number of samples: a training that publishes one "
        + "of them whole would satisfy it; set it lower"
    case .noStep(let epsilon, let first):
      "privacy.epsilon: the first step alone costs \(first), which is more than \(epsilon): set privacy.noise "
        + "higher, or leave it out to have it found"
    case .key(let path, .openToOthers(_, let mode)):
      "privacy.key_file: \(path) may be read by others (mode \(String(mode, radix: 8))): chmod 600 '\(path)'"
    case .key(let path, .file(let error)):
      "privacy.key_file: \(path): \(error.reason); `lockstep key --output \(path)` makes a key"
    case .key(_, let error): "privacy.key_file: \(error)"
    case .keyInRun(let path, let run):
      "privacy.key_file: \(path) lies in the run's directory \(run), and whoever gets that could subtract the "
        + "noise: move it elsewhere"
    case .otherKey(let path, let stored, let found):
      "privacy.key_file: \(path) is another key (\(found)) than the run began with (\(stored)): go on with that one"
    case .keyNotGiven:
      "privacy: this way of training has no key to draw noise with: leave privacy out, or use lockstep train"
    case .noSamples(let task):
      "privacy: \(task) can not tell its samples apart, and nothing could be promised for one of them"
    case .otherNoise(let stored, let found):
      "privacy.noise: the run began with \(stored), and would go on with \(found): go on with the data, the "
        + "configuration and the version of Lockstep that it began with, or start another run"
    case .otherRate(let stored, let found, let count):
      "privacy: the run's steps drew each sample with probability \(stored), and would draw each of \(count) with "
        + "\(found) from here on, but epsilon is counted for one rate alone: put the old data back, or start "
        + "another run with another --output"
    case .roundedDelta(let delta, let steps):
      "privacy.delta: rounding errors of PRV over \(steps) steps may exceed \(delta), so that it finds no epsilon: "
        + "set privacy.accountant: rdp, or a larger delta"
    }
  }
}
