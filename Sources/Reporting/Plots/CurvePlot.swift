/// A curve over steps, for a terminal or as an image. Values are not negative.
public struct CurvePlot: Sendable {
  public let title: String
  /// The values of step 1, of the last, and of steps at equal distances between.
  public let values: [Double]
  /// The number of the last step.
  public let steps: Int

  /// The most values: far more than a picture has columns.
  public static let valueLimit = 100_000

  /// A curve of which every step is given.
  ///
  /// - Precondition: There is a value, and none is negative.
  public init(title: String, values: [Double]) {
    precondition(
      !values.isEmpty && values.allSatisfy { $0 >= 0 && $0.isFinite },
      "a curve has finite values from 0 on")
    self.title = title
    self.values = values
    steps = values.count
  }

  /// A curve of any length: of more than `valueLimit` steps so many are looked at.
  ///
  /// - Parameters:
  ///   - steps: At least 1.
  ///   - value: Of a step, from 1; not negative.
  /// - Returns: Nil where a value is infinite or not a number: it has no place in a picture.
  public init?(title: String, steps: Int, value: (Int) -> Double) {
    precondition(steps >= 1, "a curve has at least one step")
    let count = min(steps, Self.valueLimit)
    self.title = title
    self.steps = steps
    values = (0..<count).map { index in
      guard count > 1, steps > count else { return value(index + 1) }
      // From the first step to the last; the product may not fit.
      let (high, low) = (steps - 1).multipliedFullWidth(by: index)
      return value(1 + (count - 1).dividingFullWidth((high, low)).quotient)
    }
    guard values.allSatisfy({ $0.isFinite }) else { return nil }
  }

  private var largest: Double { values.max() ?? 0 }

  // MARK: - Terminal

  /// The area under the curve in columns of eighths of a character, each the mean of its steps.
  ///
  /// - Parameters:
  ///   - columns: Of the whole picture, labels included. Default: 72.
  ///   - rows: Of the curve. Default: 12.
  public func text(columns: Int = 72, rows: Int = 12) -> String {
    let largest = largest
    let labels = [Self.label(largest), Self.label(largest / 2), "0"]
    let margin = labels.map(\.count).max() ?? 0
    let width = max(1, min(columns - margin - 2, values.count))
    let heights = (0..<width).map { column in
      let steps = column * values.count / width..<(column + 1) * values.count / width
      guard largest > 0 else { return 0 }
      // Of shares, whose sum can not overflow.
      let mean = values[steps].reduce(0) { $0 + $1 / largest } / Double(steps.count)
      return Int((mean * Double(8 * rows)).rounded())
    }
    let blocks = Array(" ▁▂▃▄▅▆▇█")
    var lines = [title]
    for row in (0..<rows).reversed() {
      let label = row == rows - 1 ? labels[0] : row == rows / 2 - 1 ? labels[1] : ""
      let bars = heights.map { blocks[max(0, min(8, $0 - 8 * row))] }
      lines.append(Self.padded(label, to: margin) + " │" + Self.trimmed(String(bars)))
    }
    let last = "\(steps)"
    lines.append(Self.padded(labels[2], to: margin) + " └" + String(repeating: "─", count: width))
    let gap = max(1, width - 1 - last.count)
    lines.append(
      String(repeating: " ", count: margin + 2) + "1" + String(repeating: " ", count: gap) + last)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func padded(_ label: String, to width: Int) -> String {
    String(repeating: " ", count: max(0, width - label.count)) + label
  }

  private static func trimmed(_ line: String) -> String {
    String(line.reversed().drop { $0 == " " }.reversed())
  }

  /// Three significant digits, without zeros at the end.
  private static func label(_ value: Double) -> String {
    guard value > 0 else { return "0" }
    var (scale, digits) = (1.0, value)
    while digits < 100 { (digits, scale) = (digits * 10, scale * 10) }
    return "\(digits.rounded() / scale)"
  }

  // MARK: - Image

  /// The curve as an SVG image of 720 × 360.
  public func svg() -> String {
    let largest = largest
    let (left, right, top, bottom) = (70.0, 700.0, 40.0, 310.0)
    func x(_ index: Int) -> Double {
      left + (right - left) * Double(index) / Double(max(1, values.count - 1))
    }
    func y(_ value: Double) -> Double {
      bottom - (bottom - top) * (largest > 0 ? value / largest : 0)
    }
    // Points a tenth of a pixel apart are as good as all.
    let stride = max(1, values.count / 6_300)
    let shown = values.indices.filter { $0.isMultiple(of: stride) || $0 == values.count - 1 }
    let points = shown.map { "\(Self.pixel(x($0))),\(Self.pixel(y(values[$0])))" }
      .joined(separator: " ")
    let grid = [0, 0.25, 0.5, 0.75, 1].map { share in
      let height = Self.pixel(y(share * largest))
      return """
        <line x1="\(left)" x2="\(right)" y1="\(height)" y2="\(height)" stroke="#e4e4e4"/>
        <text x="\(left - 8)" y="\(height)" dy="4" text-anchor="end">\
        \(Self.label(share * largest))</text>
        """
    }.joined(separator: "\n")
    return """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 360" font-family="sans-serif" \
      font-size="12" fill="#333">
      <rect width="720" height="360" fill="#fff"/>
      <text x="\(left)" y="22" font-size="14">\(HTMLPage.escaped(title))</text>
      \(grid)
      <polyline points="\(points)" fill="none" stroke="#1f6fb2" stroke-width="2"/>
      <text x="\(left)" y="\(bottom + 20)">1</text>
      <text x="\(right)" y="\(bottom + 20)" text-anchor="end">\(steps)</text>
      <text x="\((left + right) / 2)" y="\(bottom + 38)" text-anchor="middle">step</text>
      </svg>

      """
  }

  private static func pixel(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
