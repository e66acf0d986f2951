/// Parallel coordinates: a vertical axis for each quantity, and a line through them for each case.
///
/// A. Inselberg, "The Plane with Parallel Coordinates", 1985. Colours are the page's; a script
/// finds the lines by their attributes, and by `data-y` where they cross the axes.
package struct ParallelPlot: Sendable {
  package struct Axis: Sendable {
    package let label: String
    package let values: Values

    package init(_ label: String, _ values: Values) { (self.label, self.values) = (label, values) }
  }

  package enum Values: Sendable {
    /// Numbers from the lowest to the highest, or with `isFlipped` from the highest; `ticks` are
    /// labelled, or round numbers.
    case numbers(PlotAxis.Scale, isFlipped: Bool = false, ticks: [Double]? = nil)
    /// Names, from the bottom to the top.
    case names([String])
  }

  package enum Value: Sendable {
    case number(Double)
    case name(String)
  }

  package struct Line: Sendable {
    /// Attributes of the line: `data-trial="7" class="case"`.
    package let attributes: String
    /// One for each axis; nil where there is none.
    package let values: [Value?]

    package init(attributes: String, values: [Value?]) {
      (self.attributes, self.values) = (attributes, values)
    }
  }

  package var title: String
  package var axes: [Axis]
  /// Drawn in this order: the last lies on top.
  package var lines: [Line]

  package init(title: String, axes: [Axis], lines: [Line]) {
    (self.title, self.axes, self.lines) = (title, axes, lines)
  }

  private static let (top, bottom) = (44.0, 330.0)

  /// Where a value of an axis lies, and what is labelled.
  private struct Place {
    let position: (Value) -> Double?
    let ticks: [(label: String, y: Double)]
  }

  private func place(_ axis: Axis, values: [Value]) -> Place {
    let (top, bottom) = (Self.top, Self.bottom)
    switch axis.values {
    case .numbers(let scale, let isFlipped, let ticks):
      let numbers = values.compactMap { if case .number(let number) = $0 { number } else { nil } }
      let plot = PlotAxis(
        numbers, scale: scale, from: isFlipped ? top : bottom, to: isFlipped ? bottom : top)
      return Place(
        position: { if case .number(let number) = $0 { plot.position(number) } else { nil } },
        ticks: (ticks ?? plot.ticks).map { (PlotAxis.label($0), plot.position($0)) })
    case .names(let names):
      func y(_ index: Int) -> Double {
        bottom - (bottom - top) * (Double(index) + 0.5) / Double(max(1, names.count))
      }
      return Place(
        position: { value in
          guard case .name(let name) = value else { return nil }
          return names.firstIndex(of: name).map(y)
        },
        ticks: Self.withoutCommonBeginning(names).enumerated().map { ($1, y($0)) })
    }
  }

  /// Names by the words in which they differ: `…mlp, hidden: [4]}` of `{architecture: mlp, …`.
  private static func withoutCommonBeginning(_ names: [String]) -> [String] {
    guard let first = names.first, names.count > 1 else { return names }
    let common = names.dropFirst().reduce(first) { $0.commonPrefix(with: $1) }
    guard let space = common.lastIndex(of: " ") else { return names }
    let count = common.distance(from: common.startIndex, to: space) + 1
    return names.map { "…" + $0.dropFirst(count) }
  }

  /// The image, 1000 × 350.
  package func svg() -> String {
    let (left, right) = (80.0, 935.0)
    let step = (right - left) / Double(max(1, axes.count - 1))
    let places = axes.indices.map { column in
      place(axes[column], values: lines.compactMap { $0.values[column] })
    }
    func x(_ column: Int) -> Double { left + step * Double(column) }

    let cases = lines.map { line -> String in
      let heights = axes.indices.map { line.values[$0].flatMap(places[$0].position) }
      let points = axes.indices.compactMap { column in
        heights[column].map { (x: x(column), y: $0) }
      }
      let crossings = heights.map { $0.map(SVG.pixel) ?? "" }.joined(separator: " ")
      return #"""
        <polyline \#(line.attributes) data-y="\#(crossings)" points="\#(SVG.points(points))"/>
        """#
    }
    let frames = axes.indices.map { column -> String in
      let place = SVG.pixel(x(column))
      // To the left of its axis; names that would not fit there are to the right of the first.
      var side = #"dx="-7" text-anchor="end""#
      if column == 0, case .names = axes[column].values { side = #"dx="7" text-anchor="start""# }
      let room = max(6, min(28, Int(step / 7)))
      let labels = places[column].ticks.map { label, y in
        let short = label.count > room ? String(label.prefix(room - 1)) + "…" : label
        return """
          <text x="\(place)" y="\(SVG.pixel(y))" dy="4" \(side)>\
          \(HTMLPage.escaped(short))</text>
          """
      }
      return """
        <g class="axis"><line x1="\(place)" x2="\(place)" y1="\(Self.top)" y2="\(Self.bottom)"/>\
        <text class="name" x="\(place)" y="\(column.isMultiple(of: 2) || axes.count < 7 ? 26 : 12)" \
        text-anchor="middle">\(HTMLPage.escaped(axes[column].label))</text>
        \(labels.joined(separator: "\n"))
        <rect class="brush" x="\(SVG.pixel(x(column) - 9))" width="18" y="0" height="0"/>
        <rect class="hit" data-axis="\(column)" x="\(SVG.pixel(x(column) - 14))" width="28" \
        y="\(Self.top)" height="\(Self.bottom - Self.top)"/></g>
        """
    }
    return """
      <svg class="plot parallel" viewBox="0 0 1000 350" role="img" \
      aria-label="\(HTMLPage.escaped(title))">
      \((cases + frames).joined(separator: "\n"))
      </svg>
      """
  }
}
