import LockstepDatasets
import LockstepModels
import LockstepTraining

/// Answers lines; where one of them is wrong, those before it.
///
/// - Parameters:
///   - first: The number of the first line.
///   - body: Finds what is wrong with a line before it writes anything.
/// - Throws: What is wrong.
func answer(_ lines: [[UInt8]], first: Int, _ body: ([[UInt8]]) throws -> Void) throws {
  try answer(
    lines, before: { $1 > first ? Array($0.prefix($1 - first)) : nil }, body)
}

/// Answers rows; where one of them is wrong, those before it.
///
/// - Parameters:
///   - before: The rows before a line of the input; nil where there are none.
///   - body: Finds what is wrong with a row before it writes anything.
/// - Throws: What is wrong.
func answer<Rows>(
  _ rows: Rows, before: (Rows, Int) -> Rows?, _ body: (Rows) throws -> Void
) throws {
  do {
    try body(rows)
  } catch {
    let line: Int? =
      switch error {
      case let error as SampleDataError: error.line
      case let error as LineError: error.line
      case let error as NotFiniteLogitsError: error.line
      case TranslatorError.notExpressible(let line, _): line
      default: nil
      }
    guard let line, let earlier = before(rows, line) else { throw error }
    try answer(earlier, before: before, body)
    throw error
  }
}
