/// What pseudo-random numbers about data are drawn for. Each purpose has keys of its own:
///
///     key = mixed(mixed(seed + value · step) ^ number · step)
///
/// The values decide the bits of every run: they never change.
package enum DrawPurpose {
  /// The order of a text's windows, and where an epoch's first window begins.
  case windows
  /// The order of samples.
  case samples
  /// How an image is changed.
  case imageChanges
  /// The order of pairs.
  case pairs
  /// The order in which a mixture reads its files.
  case mixture
  /// Which samples are held out.
  case folds
  /// The order of sequences of conversations.
  case conversations
  case masking
  case tokenDropout
  case spanCorruption
  /// Which clients take part in a round.
  case clients
  /// The order of a client's samples.
  case clientSamples
  /// Which clients drop out of a round.
  case dropouts

  /// Two purposes may share one if no run has both.
  private var value: UInt64 {
    switch self {
    case .windows: 1
    case .samples: 2
    case .imageChanges, .pairs: 3
    case .mixture: 4
    case .folds: 5
    case .conversations: 6
    case .masking: 16
    case .tokenDropout: 17
    case .spanCorruption: 18
    case .clients: 19
    case .clientSamples: 20
    case .dropouts: 21
    }
  }

  /// The key of what is drawn once.
  package func key(seed: UInt64) -> UInt64 { Bits.mixed(seed &+ value &* Bits.step) }

  /// The key of what is drawn for each of many.
  ///
  /// - Parameter number: Of an epoch, or of a sample among all that are ever read.
  package func key(seed: UInt64, number: UInt64) -> UInt64 {
    Bits.mixed(key(seed: seed) ^ number &* Bits.step)
  }
}
