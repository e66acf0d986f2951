/// The losses of a run so far, for a small picture below the live line: of long runs as many as a terminal shows.
struct LiveCurve {
  private var points: [(x: Double, y: Double)] = []
  /// Steps that make a point.
  private var stride = 1
  private var sum = 0.0
  private var count = 0

  private static let limit = 1024
  private static let rows = 8

  /// Points are means of as many steps as make twice as few of them when there are too many.
  mutating func add(step: Int, loss: Double) {
    sum += loss
    count += 1
    guard count == stride else { return }
    points.append((Double(step), sum / Double(count)))
    (sum, count) = (0, 0)
    guard points.count == Self.limit else { return }
    points = Swift.stride(from: 0, to: points.count, by: 2).map {
      (points[$0 + 1].x, (points[$0].y + points[$0 + 1].y) / 2)
    }
    stride *= 2
  }

  func lines(columns: Int) -> [String] {
    BrailleChart(title: "loss", [.init(points)])
      .lines(columns: columns, rows: Self.rows, isColored: false)
  }
}
