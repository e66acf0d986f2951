/// Rows of a parameter that begin with given values, in place of what its initialiser makes.
public struct InitialRows: Sendable, Equatable {
  /// Which rows, [n].
  public let rows: [Int32]
  /// Their values, [n, D].
  public let elements: [Float]

  /// - Parameters:
  ///   - rows: Of the parameter as a matrix [rows, D], [n].
  ///   - elements: [n, D].
  public init(rows: [Int32], elements: [Float]) {
    self.rows = rows
    self.elements = elements
  }
}
