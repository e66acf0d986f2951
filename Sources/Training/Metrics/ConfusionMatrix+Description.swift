import LockstepReporting

extension ConfusionMatrix {
  /// The counts, a row for each right class.
  public var rows: [[Int]] {
    classes.indices.map { right in classes.indices.map { count(right: right, predicted: $0) } }
  }

  /// Confusions that are told where the matrix is too wide to show.
  private static let mostConfusions = 10
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
    var rows = scores.map {
      [Self.cut($0.name), share($0.precision), share($0.recall), share($0.f1), "\($0.count)"]
    }
    rows.append(["mean of classes", "", "", share(macroF1), "\(counts.reduce(0, +))"])
    return Self.table(["class", "precision", "recall", "F1", "count"], rows)
  }

  /// Nothing where it is too wide.
  private func matrix(columns: Int) -> [String] {
    let counts = rows.map { $0.map { $0 == 0 ? "." : "\($0)" } }
    let names = classes.map(Self.cut)
    let named = Self.table(
      ["right \\ predicted"] + names, zip(names, counts).map { [$0] + $1 })
    if named[0].columns <= columns { return named }
    // Without names above the columns.
    let numbers = (1...classes.count).map(String.init)
    let numbered = Self.table(
      ["right \\ predicted"] + numbers,
      zip(zip(numbers, names), counts).map { ["\($0.0) \($0.1)"] + $1 })
    return numbered[0].columns <= columns ? numbered : []
  }

  private var confusions: [String] {
    let width = classes.count
    let wrong = counts.indices.filter { $0 / width != $0 % width && counts[$0] > 0 }
      .sorted { counts[$0] != counts[$1] ? counts[$0] > counts[$1] : $0 < $1 }
    guard !wrong.isEmpty else { return ["No class was taken for another."] }
    let cells = wrong.prefix(Self.mostConfusions).map {
      [Self.cut(classes[$0 / width]), Self.cut(classes[$0 % width]), "\(counts[$0])"]
    }
    let lines = Self.table(["most frequently, of class", "taken for", "count"], cells)
    return wrong.count > cells.count
      ? lines + ["The whole matrix of \(width) × \(width): --json."] : lines
  }

  private static func cut(_ name: String) -> String {
    guard name.count > widestName else { return name }
    var beginning = name.prefix(widestName - 1)
    while beginning.last == " " { beginning.removeLast() }
    return beginning + "…"
  }

  private static func table(_ header: [String], _ rows: [[String]]) -> [String] {
    TextTable(header, rows: rows, gap: "  ").lines
  }
}
