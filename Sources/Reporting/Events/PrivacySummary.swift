/// What a private run promises: the member `privacy` of `summary.json`.
public struct PrivacySummary: Codable, Equatable, Sendable {
  /// ε that all steps cost.
  public var epsilon: Double
  public var delta: Double
  /// σ, the noise's deviation over the clip.
  public var noise: Double
  /// C, the longest gradient of one sample.
  public var clip: Double
  /// `prv` or `rdp`.
  public var accountant: String
  /// q, the probability with which a step drew each sample.
  public var samplingRate: Double
  /// n, how many samples there were to draw from.
  public var samples: Int
  /// What a sample is: that is what privacy is promised for.
  public var unit: String
  /// Tells keys apart, and says nothing of the key.
  public var keyFingerprint: String

  public init(
    epsilon: Double, delta: Double, noise: Double, clip: Double, accountant: String,
    samplingRate: Double, samples: Int, unit: String, keyFingerprint: String
  ) {
    self.epsilon = epsilon
    self.delta = delta
    self.noise = noise
    self.clip = clip
    self.accountant = accountant
    self.samplingRate = samplingRate
    self.samples = samples
    self.unit = unit
    self.keyFingerprint = keyFingerprint
  }

  enum CodingKeys: String, CodingKey {
    case epsilon, delta, noise, clip, accountant, samples, unit
    case samplingRate = "sampling_rate"
    case keyFingerprint = "key_fingerprint"
  }
}
