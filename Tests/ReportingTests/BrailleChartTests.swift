import LockstepReporting
import Testing

/// A chart in characters has the curves' shape, the ends of both axes, and the size that was asked for.
@Suite struct BrailleChartTests {
  @Test func aRampGoesFromTheLowerLeftToTheUpperRight() {
    let points = (0...100).map { (x: Double($0), y: Double($0)) }
    let lines = BrailleChart(title: "ramp", [.init(points)])
      .lines(columns: 13, rows: 6, isColored: false)
    #expect(
      lines == [
        "ramp",
        "100 │⠀⠀⠀⠀⠀⠀⡠⠎",
        "    │⠀⠀⠀⠀⡠⠚⠀⠀",
        "    │⠀⠀⣠⠊⠁⠀⠀⠀",
        "  0 │⡠⠎⠀⠀⠀⠀⠀⠀",
        "     0    100",
      ])
  }

  @Test(arguments: [4, 9, 30], [20, 79]) func theSizeIsWhatWasAskedFor(rows: Int, columns: Int) {
    let points = (0..<500).map { (x: Double($0), y: Double(($0 * 37) % 101)) }
    let lines = BrailleChart(title: "", [.init(points)])
      .lines(columns: columns, rows: rows, isColored: false)
    #expect(lines.count == rows)
    #expect(lines.allSatisfy { $0.count <= columns })
  }

  @Test func whatIsNotANumberIsAGap() {
    let points = [(0.0, 1.0), (1, .nan), (2, 1)].map { (x: $0.0, y: $0.1) }
    let lines = BrailleChart(title: "", [.init(points)])
      .lines(columns: 30, rows: 4, isColored: false)
    // Two single dots.
    let dots = lines.joined().unicodeScalars.filter { 0x2801...0x28FF ~= $0.value }
    #expect(dots.count == 2)
  }

  @Test func curvesHaveTheirColours() {
    let curves = [1, 2].map { color in
      BrailleChart.Curve([(x: 0, y: Double(color)), (x: 1, y: Double(color))], color: color)
    }
    let text = BrailleChart(title: "", curves).lines(columns: 20, rows: 5, isColored: true).joined()
    #expect(text.contains("\u{1B}[31m") && text.contains("\u{1B}[32m"))
  }

  @Test func withoutPointsItSaysSo() {
    let lines = BrailleChart(title: "loss", [.init([])])
      .lines(columns: 30, rows: 5, isColored: false)
    #expect(lines.count == 5 && lines.last == "  no points yet")
  }
}
