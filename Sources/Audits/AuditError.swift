import LockstepPrivacy
import LockstepSettings
import LockstepTraining

/// What stands in the way of one part of an audit, and of no other.
public protocol AuditObstacle: UserInputError {}

extension SamplePoolError: AuditObstacle {}

/// Why something can not be audited.
public enum AuditError: AuditObstacle, Equatable {
  /// The model was not trained by a run of Lockstep, or its configuration is not there.
  case noRun(path: String)
  case noHeldOut(path: String)
  case notPrivate(path: String)
  /// `kind` is what the run learns from.
  case noTokenFile(path: String, kind: String)
  case tooFewWindows(needed: Int, found: Int, path: String)
  /// A canary does not fit into a window.
  case longCanary(tokens: Int, window: Int)
  case notExpressible(format: String, reason: String)
  case wrongFormat(String)
  case tooFewSamples(path: String, found: Int, needed: Int)
  /// The run's privacy can not be kept with so many samples, which are half of all.
  case reference(path: String, samples: Int, PrivacyError)
  /// The canary's gradient is no number, or none at all.
  case noGradient(path: String)

  public var description: String {
    switch self {
    case .noRun(let path):
      "\(path): is not of a run, and what it learned from is not known: give a run or one of its checkpoints"
    case .noHeldOut(let path):
      "\(path): names no held-out data, and nobody can tell members from others without others: give data.validation"
    case .notPrivate(let path):
      "\(path): privacy is off, so that no epsilon is claimed and there is nothing to refute"
    case .noTokenFile(let path, let kind):
      "\(path): canaries are put into token files (data.format: tokens) of a language model, and this learns from "
        + kind
    case .tooFewWindows(let needed, let found, let path):
      "\(path): has \(found) windows of model.context + 1 tokens, and the canaries need \(needed): give fewer with "
        + "--canaries or --repetitions"
    case .longCanary(let tokens, let window):
      "--format: takes \(tokens) tokens, and a window of model.context + 1 has \(window): give a shorter one"
    case .notExpressible(let format, let reason):
      "--format \"\(format)\": \(reason)"
    case .wrongFormat(let format):
      "--format \"\(format)\": expected a text with 1 to 12 times # in it, each of which becomes a digit"
    case .tooFewSamples(let path, let found, let needed):
      "\(path): has \(found) samples, and an audit takes \(needed) at least"
    case .reference(let path, let samples, let error):
      "\(path): leave --references out: each reference is trained on half of all samples, members and others, and by "
        + "this run's configuration \(samples) samples can not be trained on (\(error))"
    case .noGradient(let path):
      "\(path): the canary has no finite gradient, so that nothing can be seen of it"
    }
  }
}
