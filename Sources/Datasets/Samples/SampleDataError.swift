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
  /// `data.classes` says that there are more or fewer classes than there are.
  case otherClasses(path: String, classes: [String], expected: String, names: [String]?)
  /// The data have names of classes, and `data.classes` others.
  case namedAlready(path: String, classes: [String])
  /// A file of names holds something else.
  case wrongNames(path: String, expected: String)
  /// A table's line has another number of fields than its header.
  case wrongFieldCount(path: String, line: Int, found: Int, expected: Int)
  /// Names that several columns of a table have.
  case repeatedColumns(path: String, columns: [CSVTable.RepeatedColumn])
  /// A column to learn from has no name; the position is counted from 1.
  case unnamedColumn(path: String, position: Int)
  /// A table has no column besides the target.
  case noFeatures(path: String, target: String)
  /// A field that must not be empty is.
  case emptyField(path: String, line: Int, column: String)
  case notANumber(path: String, line: Int, column: String, found: String)
  case noSuchColumn(path: String, column: String, columns: [String])
  /// New rows lack columns that a model reads.
  case missingColumns(path: String, missing: [String], columns: [String])
  /// New samples are another kind of file than the model reads.
  case otherKindOfFile(path: String, found: String, expected: String)
  case unclosedQuote(path: String, line: Int)
  /// A field goes on after the quote that ends it.
  case textAfterQuote(path: String, line: Int)
  case notUTF8(path: String, line: Int)
  /// A byte order mark tells of another encoding than UTF-8.
  case otherEncoding(path: String, reason: String)
  /// A line of a file of JSON objects is none that is expected.
  case notJSON(path: String, line: Int, reason: String)
  /// A text that the tokenizer can not make tokens of.
  case notExpressible(path: String, line: Int, reason: String)
  /// Held-out samples of another shape, or a table with other columns, than those learned from.
  case otherShape(path: String, found: String, expected: String)

  /// The line that is wrong; nil where it is not of a single line.
  package var line: Int? {
    switch self {
    case .wrongFieldCount(_, let line, _, _), .emptyField(_, let line, _),
      .notANumber(_, let line, _, _), .unclosedQuote(_, let line), .textAfterQuote(_, let line),
      .notUTF8(_, let line), .notJSON(_, let line, _), .notExpressible(_, let line, _):
      line
    default: nil
    }
  }

  /// Of a wide table's names, messages give so many.
  private static let shownColumns = 20

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
        + "they do not belong together; give the labels of these images"
    case .noSamples(let path): "\(path): has no samples: at least one is needed"
    case .tooFewSamples(let path, let count, let folds):
      "\(path): \(count) samples are too few for data.folds.count: \(folds)"
    case .unknownClass(let path, let place, let found, let expected):
      "\(path): \(place): found class \(found), expected \(expected)"
    case .otherClasses(let path, let classes, let expected, let names):
      "data.classes has \(expected), but \(path) has \(classes.count) classes: "
        + Self.some(classes)
        + (names == nil
          ? "; set data.classes to their number, or to null"
          : "; give one name for each, in this order")
    case .namedAlready(let path, let classes):
      "data.classes gives names to classes that have names in \(path) already: \(Self.some(classes)); set "
        + "data.classes to null"
    case .wrongNames(let path, let expected):
      "\(path): expected \(expected), one on each line (data.classes)"
    case .wrongFieldCount(let path, let line, let found, let expected):
      "\(path): line \(line): found \(found) field\(found == 1 ? "" : "s"), expected \(expected) "
        + "as in the header\(expected == 1 ? " (columns are separated by commas)" : "")"
    case .repeatedColumns(let path, let columns):
      "\(path): "
        + columns.map { "columns \($0.positions.listed) are called \($0.name)" }
        .joined(separator: ", ")
        + "; expected a name of its own for each column"
    case .unnamedColumn(let path, let position):
      "\(path): column \(position) has no name; name it in the header, or list the columns to learn "
        + "from in data.columns"
    case .noFeatures(let path, let target):
      "\(path): has no column besides the target \(target) to predict it from: add one"
    case .emptyField(let path, let line, let column):
      "\(path): line \(line): column \(column): is empty; fill it in or remove the line"
    case .notANumber(let path, let line, let column, let found):
      "\(path): line \(line): column \(column): found \"\(found)\", expected a finite number"
    case .noSuchColumn(let path, let column, let columns):
      "\(path): has no column \(column); \(Self.list(columns))"
    case .missingColumns(let path, let missing, let columns):
      "\(path): has no column \(missing.prefix(Self.shownColumns).joined(separator: ", "))"
        + "\(missing.count > Self.shownColumns ? ", … (\(missing.count) in all)" : ""), from which the "
        + "model predicts; \(Self.list(columns)); the first line of the file names them, in any order"
    case .otherKindOfFile(let path, let found, let expected):
      "\(path): is \(found), but the model reads \(expected)"
    case .unclosedQuote(let path, let line):
      "\(path): line \(line): a quoted field begins here that never ends"
    case .textAfterQuote(let path, let line):
      "\(path): line \(line): text follows a quoted field; expected a comma or the end of the line "
        + "(a quote inside a quoted field is doubled)"
    case .notUTF8(let path, let line):
      "\(path): line \(line) is not UTF-8 text; convert the file, for example with "
        + "iconv -f WINDOWS-1252 -t UTF-8"
    case .otherEncoding(let path, let reason): "\(path): \(reason)"
    case .notJSON(let path, let line, let reason), .notExpressible(let path, let line, let reason):
      "\(path): line \(line): \(reason)"
    case .otherShape(let path, let found, let expected):
      "\(path): found \(found), expected \(expected) as in the data learned from"
    }
  }

  private static func some(_ names: [String]) -> String {
    names.prefix(shownColumns).joined(separator: ", ") + (names.count > shownColumns ? ", …" : "")
  }

  private static func list(_ columns: [String]) -> String {
    columns.count == 1
      ? "its only column is \(columns[0]) (columns are separated by commas)"
      : "its columns are \(columns.prefix(shownColumns).joined(separator: ", "))"
        + (columns.count > shownColumns ? ", … (\(columns.count) in all)" : "")
  }
}

extension [Int] {
  /// "1, 2 and 5".
  fileprivate var listed: String {
    let words = map(String.init)
    guard let last = words.last, words.count > 1 else { return words.joined() }
    return words.dropLast().joined(separator: ", ") + " and " + last
  }
}
