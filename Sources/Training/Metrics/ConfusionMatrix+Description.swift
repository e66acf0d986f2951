import LockstepReporting

extension ConfusionMatrix {
  /// The counts, a row for each right class.
  public var rows: [[Int]] {
    classes.indices.map { right in classes.indices.map { count(right: right, predicted: $0) } }
  }

  /// The most classes whose `rows` are written out; of more, what occurred is.
  static let mostRows = 1000
  /// Confusions that are told where the matrix is too wide to show.
  private static let mostConfusions = 10
  /// What is between two columns of a table.
  private static let gap = "  "
  /// Longer names are cut.
  private static let widestName = 24

  /// For people: a table of the classes' scores, and the matrix; where that is too wide, the most frequent
  /// confusions.
  ///
  /// - Parameter columns: How many characters a line may have.
  public func lines(columns: Int) -> [String] {
    let matrix = matrix(columns: columns)
    return scoreTable + [""] + (matrix.isEmpty ? confusions : matrix)
  }

  private var scoreTable: [String] {
    func share(_ value: Double?) -> String {
      value.map { Quantity.decimal(100 * $0, 2) + " %" } ?? "-"
    }
    let scores = scores
    var rows = scores.map {
      [Self.cut($0.name), share($0.precision), share($0.recall), share($0.f1), "\($0.count)"]
    }
    rows.append([
      "mean of classes", "", "", share(macroF1), "\(scores.reduce(0) { $0 + $1.count })",
    ])
    return Self.table(["class", "precision", "recall", "F1", "count"], rows)
  }

  /// Nothing where it is too wide.
  private func matrix(columns: Int) -> [String] {
    let corner = "right \\ predicted"
    // At least a digit in each column.
    guard corner.count + classes.count * (Self.gap.count + 1) <= columns else { return [] }
    let counts = rows.map { $0.map { $0 == 0 ? "." : "\($0)" } }
    let names = classes.map(Self.cut)
    let named = Self.table(
      [corner] + names, zip(names, counts).map { [$0] + $1 })
    if named[0].columns <= columns { return named }
    // Without names above the columns.
    let numbers = (1...classes.count).map(String.init)
    let numbered = Self.table(
      [corner] + numbers, zip(zip(numbers, names), counts).map { ["\($0.0) \($0.1)"] + $1 })
    return numbered[0].columns <= columns ? numbered : []
  }

  private var confusions: [String] {
    // Of equal counts in the order of the matrix.
    let wrong = elements.filter { $0.right != $0.predicted }.sorted {
      ($1.count, $0.right, $0.predicted) < ($0.count, $1.right, $1.predicted)
    }
    guard !wrong.isEmpty else { return ["No class was taken for another."] }
    let cells = wrong.prefix(Self.mostConfusions).map {
      [Self.cut(classes[$0.right]), Self.cut(classes[$0.predicted]), "\($0.count)"]
    }
    let lines = Self.table(["most frequently, of class", "taken for", "count"], cells)
    return wrong.count > cells.count
      ? lines + ["The whole matrix of \(classes.count) × \(classes.count): --json."] : lines
  }

  private static func cut(_ name: String) -> String {
    guard name.count > widestName else { return name }
    var beginning = name.prefix(widestName - 1)
    while beginning.last == " " { beginning.removeLast() }
    return beginning + "…"
  }

  private static func table(_ header: [String], _ rows: [[String]]) -> [String] {
    TextTable(header, rows: rows, gap: gap).lines
  }
}
