/// Several curves over the same axes, as SVG for a page: colours are the page's (`page.css`), and
/// each curve carries attributes by which a script finds it.
package struct SeriesPlot: Sendable {
  package struct Series: Sendable {
    /// Attributes of the curve: `data-trial="7" class="curve"`.
    package let attributes: String
    /// In the order of x.
    package let points: [(x: Double, y: Double)]

    package init(attributes: String, points: [(x: Double, y: Double)]) {
      (self.attributes, self.points) = (attributes, points)
    }
  }

  /// A value of x that is pointed at.
  package struct Mark: Sendable {
    package let label: String
    package let x: Double

    package init(_ label: String, x: Double) { (self.label, self.x) = (label, x) }
  }

  /// What a reader who cannot see the image is told.
  package var title: String
  package var xLabel: String
  package var yLabel: String
  package var xScale = PlotAxis.Scale.linear
  package var yScale = PlotAxis.Scale.linear
  package var series: [Series]
  package var marks: [Mark] = []
  /// Larger values of y are cut off.
  package var yLimit: Double?

  package init(title: String, xLabel: String, yLabel: String, series: [Series]) {
    (self.title, self.xLabel, self.yLabel, self.series) = (title, xLabel, yLabel, series)
  }

  /// The image, 1000 × 340.
  package func svg() -> String {
    let (left, right, top, bottom) = (64.0, 984.0, 14.0, 294.0)
    let x = PlotAxis(
      series.flatMap { $0.points.map(\.x) }, scale: xScale, from: left, to: right)
    let heights = series.flatMap { $0.points.map(\.y) }.filter { $0 <= yLimit ?? .infinity }
    let y = PlotAxis(heights, scale: yScale, from: bottom, to: top)
    let across = y.ticks.map { tick in
      let height = SVG.pixel(y.position(tick))
      return """
        <line class="grid" x1="\(left)" x2="\(right)" y1="\(height)" y2="\(height)"/>\
        <text x="\(left - 8)" y="\(height)" dy="4" text-anchor="end">\(PlotAxis.label(tick))</text>
        """
    }
    let along = x.ticks.map { tick in
      """
      <text x="\(SVG.pixel(x.position(tick)))" y="\(bottom + 18)" text-anchor="middle">\
      \(PlotAxis.label(tick))</text>
      """
    }
    let curves = series.map { series in
      let points = series.points.filter { $0.y.isFinite && (yScale == .linear || $0.y > 0) }.map {
        (x: x.position($0.x), y: max(top, y.position(min($0.y, yLimit ?? $0.y))))
      }
      return #"<polyline \#(series.attributes) points="\#(SVG.points(points))"/>"#
    }
    let pointers = marks.enumerated().map { index, mark in
      let place = SVG.pixel(x.position(mark.x))
      let isNearEnd = x.position(mark.x) > right - 160
      let line = SVG.pixel(top + 12 + 16 * Double(index))
      return """
        <line class="mark" x1="\(place)" x2="\(place)" y1="\(top)" y2="\(bottom)"/>\
        <text class="mark" x="\(place)" dx="\(isNearEnd ? -5 : 5)" y="\(line)" \
        text-anchor="\(isNearEnd ? "end" : "start")">\(HTMLPage.escaped(mark.label))</text>
        """
    }
    return """
      <svg class="plot" viewBox="0 0 1000 340" role="img" aria-label="\(HTMLPage.escaped(title))">
      \((across + along + curves + pointers).joined(separator: "\n"))
      <text x="\((left + right) / 2)" y="332" text-anchor="middle">\(HTMLPage.escaped(xLabel))</text>
      <text x="14" y="\((top + bottom) / 2)" text-anchor="middle" \
      transform="rotate(-90 14 \((top + bottom) / 2))">\(HTMLPage.escaped(yLabel))</text>
      </svg>
      """
  }
}
