import LockstepSettings

/// The `data.folds` section: cross-validation, one run of it.
public struct FoldConfiguration: Configurable {
  public var count = 1
  public var heldOut = 0

  public init() {}

  public init(count: Int, heldOut: Int) {
    self.count = count
    self.heldOut = heldOut
  }

  public static var fields: [Field<Self>] {
    [
      Field(
        "count", \.count, .within(1...1_000_000),
        meaning:
          "K: the training samples are dealt into so many parts of about equal size, by a permutation "
          + "that follows from `seed`; `1` holds nothing out."),
      Field(
        "held_out", \.heldOut, .count(from: 0),
        meaning:
          "The part that is not learned from but evaluated on, from `0` to one less than `count`."),
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checks.require(
      heldOut < count, "held_out", "below count (\(count))", involving: "count")
  }

  /// Whether a part is held out.
  public var isOn: Bool { count > 1 }

  /// What is learned from and what is held out, each in the order of the file; all and nil where
  /// nothing is held out.
  ///
  /// Of n samples, fold i holds those that a permutation puts at n · i / K ..< n · (i + 1) / K.
  ///
  /// - Parameter seed: Decides the permutation.
  /// - Throws: `SampleDataError.tooFewSamples` where a fold would be empty.
  package func split(
    _ samples: SampleSet, seed: UInt64
  ) throws(SampleDataError) -> (train: SampleSet, heldOut: SampleSet?) {
    guard isOn else { return (samples, nil) }
    guard samples.count >= count else {
      throw .tooFewSamples(path: samples.path, count: samples.count, folds: count)
    }
    let permutation = IndexPermutation(
      count: samples.count, key: DrawPurpose.folds.key(seed: seed))
    let places =
      samples.count * heldOut / count..<samples.count * (heldOut + 1) / count
    let chosen = Set(places.map { permutation[$0] })
    return (
      samples.selecting((0..<samples.count).filter { !chosen.contains($0) }),
      samples.selecting(chosen.sorted())
    )
  }
}
