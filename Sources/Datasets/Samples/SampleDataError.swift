import LockstepSettings

/// What can be wrong with files of images, labels or tables.
public enum SampleDataError: UserInputError, Equatable {
  case unreadable(path: String, reason: String)
  /// The first four bytes are not those of an IDX file of unsigned bytes with so many dimensions.
  case notIDX(path: String, found: [UInt8], dimensions: Int)
  /// An IDX file's header promises another size than the file has.
  case wrongSize(path: String, expected: Int, byteCount: Int)
  /// Images and labels are not equally many.
  case unequalCounts(images: String, imageCount: Int, labels: String, labelCount: Int)
  case noSamples(path: String)
  /// A fold of a cross-validation would be empty.
  case tooFewSamples(path: String, count: Int, folds: Int)
  /// `place` is "line 7" of a table or "label 12" of a file of labels.
  case unknownClass(path: String, place: String, found: String, expected: String)
  /// A table's line has another number of fields than its header.
  case wrongFieldCount(path: String, line: Int, found: Int, expected: Int)
  case notANumber(path: String, line: Int, column: String, found: String)
  case noSuchColumn(path: String, column: String, columns: [String])
  case unclosedQuote(path: String, line: Int)
  /// Held-out samples of another shape, or a table with other columns, than those learned from.
  case otherShape(path: String, found: String, expected: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason): "\(path): cannot be read: \(reason)"
    case .notIDX(let path, let found, let dimensions):
      "\(path): not an IDX file of \(dimensions == 3 ? "images" : "labels"): begins with \(found), "
        + "expected [0, 0, 8, \(dimensions)]"
    case .wrongSize(let path, let expected, let byteCount):
      byteCount < expected
        ? "\(path): truncated at byte \(byteCount): its header promises \(expected) bytes; "
          + "copy the file again"
        : "\(path): \(byteCount - expected) bytes too many after byte \(expected), where its header "
          + "says it ends; copy the file again"
    case .unequalCounts(let images, let imageCount, let labels, let labelCount):
      "\(images) has \(imageCount) images, but \(labels) has \(labelCount) labels: "
        + "they do not belong together"
    case .noSamples(let path): "\(path): has no samples"
    case .tooFewSamples(let path, let count, let folds):
      "\(path): \(count) samples are too few for data.folds.count: \(folds)"
    case .unknownClass(let path, let place, let found, let expected):
      "\(path): \(place): found class \(found), expected \(expected)"
    case .wrongFieldCount(let path, let line, let found, let expected):
      "\(path): line \(line): found \(found) field\(found == 1 ? "" : "s"), expected \(expected) "
        + "as in the header"
    case .notANumber(let path, let line, let column, let found):
      "\(path): line \(line): column \(column): found \"\(found)\", expected a finite number"
    case .noSuchColumn(let path, let column, let columns):
      "\(path): has no column \(column); its columns are \(columns.joined(separator: ", "))"
    case .unclosedQuote(let path, let line):
      "\(path): line \(line): a quoted field begins here that never ends"
    case .otherShape(let path, let found, let expected):
      "\(path): found \(found), expected \(expected) as in the data learned from"
    }
  }
}
