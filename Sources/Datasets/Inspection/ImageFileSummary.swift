/// What `lockstep inspect` tells of an IDX file: images, or their labels.
public struct ImageFileSummary: Sendable, Encodable, CustomStringConvertible {
  public let path: String
  /// Extents, the outermost first.
  public let shape: [Int]
  /// Of labels: how many there are of each from 0 on; nil for images.
  public let labels: [Int]?
  /// Of images: the mean of all pixels, 0 ... 255; nil for labels, and where there are none.
  public let meanPixel: Double?

  enum CodingKeys: String, CodingKey {
    case path, shape, labels
    case meanPixel = "mean_pixel"
  }

  /// - Parameters:
  ///   - bytes: The file, uncompressed.
  ///   - path: Named in errors.
  /// - Throws: `SampleDataError` where it is no such file.
  public init(_ bytes: [UInt8], path: String) throws(SampleDataError) {
    let isOfLabels = bytes.count > 3 && bytes[3] == 1
    let file = try IDXFile(bytes, path: path, dimensionCount: isOfLabels ? 1 : 3)
    self.path = path
    shape = file.dimensions
    if isOfLabels {
      var counts = [Int](repeating: 0, count: Int(file.elements.max() ?? 0) + 1)
      for label in file.elements { counts[Int(label)] += 1 }
      labels = file.elements.isEmpty ? [] : counts
      meanPixel = nil
    } else {
      labels = nil
      meanPixel =
        file.elements.isEmpty
        ? nil
        : Double(file.elements.reduce(0) { $0 + Int($1) }) / Double(file.elements.count)
    }
  }

  /// Whether these are the first bytes of such a file.
  package static func isIDX(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.starts(with: [0, 0, 8])
  }

  public var description: String {
    if let labels {
      let counts = labels.enumerated().map { "\($0): \($1)" }.joined(separator: ", ")
      return "\(path): \(shape[0]) labels (IDX)\n  how many of each  \(counts)"
    }
    let mean = meanPixel.map { "\n  mean pixel  \(Int($0.rounded())) of 255" } ?? ""
    return "\(path): \(shape[0]) images of \(shape[1]) × \(shape[2]) pixels (IDX)\(mean)"
  }
}
