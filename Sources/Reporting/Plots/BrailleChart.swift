/// Curves in a terminal: each character holds two by four dots, those of Unicode's braille patterns.
package struct BrailleChart {
  package struct Curve {
    package let points: [(x: Double, y: Double)]
    /// Of the terminal's colours, 1 to 6; nil: its usual one.
    package let color: Int?

    /// - Parameter points: In ascending order of x; those that are not finite are gaps.
    package init(_ points: [(x: Double, y: Double)], color: Int? = nil) {
      self.points = points
      self.color = color
    }
  }

  package let title: String
  package let curves: [Curve]
  package let scale: PlotAxis.Scale

  package init(title: String, _ curves: [Curve], scale: PlotAxis.Scale = .linear) {
    self.title = title
    self.curves = curves
    self.scale = scale
  }

  /// The title, the curves with the values at both ends of the axis beside them, and the ends of x below.
  ///
  /// - Parameters:
  ///   - columns: Of the whole picture.
  ///   - rows: Of the whole picture, at least 4.
  ///   - isColored: Whether curves have their colours.
  package func lines(columns: Int, rows: Int, isColored: Bool) -> [String] {
    let height = max(1, rows - 2)
    let shown = curves.flatMap(\.points).filter {
      $0.x.isFinite && $0.y.isFinite && (scale == .linear || $0.y > 0)
    }
    guard !shown.isEmpty else {
      return [title] + Array(repeating: "", count: height) + ["  no points yet"]
    }
    let yAxis = PlotAxis(shown.map(\.y), scale: scale, from: Double(4 * height - 1), to: 0)
    let labels = [PlotAxis.label(yAxis.high), PlotAxis.label(yAxis.low)]
    let margin = labels.map(\.count).max() ?? 0
    let width = max(1, columns - margin - 2)
    let xAxis = PlotAxis(shown.map(\.x), from: 0, to: Double(2 * width - 1))
    var canvas = BrailleCanvas(columns: width, rows: height)
    for curve in curves {
      canvas.draw(
        curve.points.map { (xAxis.position($0.x), yAxis.position($0.y)) }, color: curve.color)
    }
    let area = canvas.lines(isColored: isColored).enumerated().map { row, line in
      let label = row == 0 ? labels[0] : row == height - 1 ? labels[1] : ""
      return label.leftPadded(to: margin) + " │" + line
    }
    let (first, last) = (PlotAxis.label(xAxis.low), PlotAxis.label(xAxis.high))
    let gap = max(1, width - first.count - last.count)
    return [title] + area + [
      String(repeating: " ", count: margin + 2) + first + String(repeating: " ", count: gap) + last
    ]
  }
}

/// Dots on a raster of characters.
private struct BrailleCanvas {
  private let columns: Int
  private let rows: Int
  private var dots: [UInt8]
  private var colors: [Int?]

  init(columns: Int, rows: Int) {
    (self.columns, self.rows) = (columns, rows)
    dots = Array(repeating: 0, count: columns * rows)
    colors = Array(repeating: nil, count: columns * rows)
  }

  /// Joins points, in dots from the upper left corner; gaps where one is not finite.
  mutating func draw(_ points: [(x: Double, y: Double)], color: Int?) {
    var last: (x: Int, y: Int)?
    for point in points {
      guard let place = place(of: point) else {
        last = nil
        continue
      }
      let start = last ?? place
      let steps = max(1, abs(place.x - start.x), abs(place.y - start.y))
      for step in 0...steps {
        set(
          start.x + (place.x - start.x) * step / steps,
          start.y + (place.y - start.y) * step / steps, color: color)
      }
      last = place
    }
  }

  private func place(of point: (x: Double, y: Double)) -> (x: Int, y: Int)? {
    guard point.x.isFinite, point.y.isFinite else { return nil }
    let (width, height) = (Double(2 * columns - 1), Double(4 * rows - 1))
    return (
      Int(min(max(point.x.rounded(), 0), width)), Int(min(max(point.y.rounded(), 0), height))
    )
  }

  private mutating func set(_ x: Int, _ y: Int, color: Int?) {
    // The patterns' dots are numbered down the left column, then the right one, the lowest two last.
    let bits: [[UInt8]] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]]
    let cell = y / 4 * columns + x / 2
    dots[cell] |= bits[y % 4][x % 2]
    colors[cell] = color
  }

  func lines(isColored: Bool) -> [String] {
    (0..<rows).map { row in
      var line = ""
      var current: Int?
      for cell in row * columns..<(row + 1) * columns {
        if isColored, dots[cell] != 0, colors[cell] != current {
          current = colors[cell]
          line += current.map { "\u{1B}[3\($0)m" } ?? "\u{1B}[39m"
        }
        line.unicodeScalars.append(Unicode.Scalar(0x2800 + UInt16(dots[cell])) ?? " ")
      }
      return line + (current == nil ? "" : "\u{1B}[39m")
    }
  }
}
