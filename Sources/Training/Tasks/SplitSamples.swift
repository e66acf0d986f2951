import LockstepDatasets

/// Samples read from files.
struct SplitSamples {
  /// What is learned from.
  let train: SampleSet
  /// What is held out of it.
  let heldOut: SampleSet?
  /// What a model has to know of the samples that it learns from.
  let description: SampleDescription
  /// What they were read from; nil: images.
  var table: CSVTable?
  /// The table's columns that are read as numbers.
  var numbers: [String] = []

  /// What the user should know of the files, one sentence each.
  ///
  /// - Throws: `SampleDataError`.
  func notices() throws(SampleDataError) -> [String] {
    guard let table else { return [] }
    return try table.columnsLosingPrecision(among: numbers).map { column in
      "\(table.path): column \(column) has different numbers that are the same in 32 bits, in which "
        + "Lockstep computes; subtract what they have in common, for example the first of them"
    }
  }
}
