extension SampleSet {
  /// Images whose classes nobody knows.
  ///
  /// - Parameters:
  ///   - bytes: An IDX file [count, H, W], uncompressed.
  ///   - path: Named in errors.
  ///   - shape: [H, W] of the images that a model reads.
  /// - Throws: `SampleDataError`.
  package init(newImages bytes: [UInt8], path: String, shape: [Int]) throws(SampleDataError) {
    let pixels = try IDXFile(bytes, path: path, dimensionCount: 3)
    guard !pixels.elements.isEmpty else { throw .noSamples(path: path) }
    let found = Array(pixels.dimensions.dropFirst())
    guard found == shape else {
      func extents(_ shape: [Int]) -> String {
        shape.map(String.init).joined(separator: " × ")
      }
      throw .otherKindOfFile(
        path: path, found: "images of \(extents(found)) pixels (height × width)",
        expected: "\(extents(shape)): scale or crop them to that size")
    }
    self.init(
      path: path, count: pixels.dimensions[0], sampleShape: found,
      features: .pixels(SampleElements(pixels.elements)), targets: .unknown)
  }

  /// Rows of a table whose answers nobody knows, or does not need.
  ///
  /// - Parameters:
  ///   - table: At least one row; the columns in any order, with others between them.
  ///   - columns: Those that a model predicts from, in its order.
  /// - Throws: `SampleDataError`.
  package init(newRows table: CSVTable, columns: [String]) throws(SampleDataError) {
    let present = Set(table.columns)
    let missing = columns.filter { !present.contains($0) }
    guard missing.isEmpty else {
      throw .missingColumns(path: table.path, missing: missing, columns: table.columns)
    }
    var places: [Int] = []
    for column in columns { places.append(try table.index(of: column)) }
    var numbers: [Float] = []
    numbers.reserveCapacity(table.rows.count * columns.count)
    for row in table.rows {
      for place in places { numbers.append(try table.number(row, place)) }
    }
    self.init(
      path: table.path, count: table.rows.count, sampleShape: [columns.count],
      features: .numbers(SampleElements(numbers)), targets: .unknown)
  }
}
