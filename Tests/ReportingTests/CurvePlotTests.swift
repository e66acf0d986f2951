import LockstepReporting
import Testing

@Suite struct CurvePlotTests {
  @Test func aRampIsDrawnInEighths() {
    let plot = CurvePlot(title: "ramp", values: (1...4).map(Double.init))
    #expect(
      plot.text(columns: 20, rows: 2) == """
        ramp
        4.0 │  ▄█
        2.0 │▄███
          0 └────
             1  4

        """)
  }

  @Test func longCurvesFitTheColumns() {
    let plot = CurvePlot(title: "long", values: (0..<100_000).map { Double($0) / 1e8 })
    let lines = plot.text(columns: 60, rows: 5).split(separator: "\n")
    #expect(lines.count == 8)
    #expect(lines.allSatisfy { $0.count <= 60 })
    #expect(lines[1].hasPrefix(" 0.001 │"))
  }

  @Test func theImageHasTheCurve() {
    let svg = CurvePlot(title: "a < b & c", values: [0, 2, 1]).svg()
    #expect(svg.contains("<polyline points=\"70.0,310.0 385.0,40.0 700.0,175.0\""))
    #expect(svg.contains(">a &lt; b &amp; c</text>"))
    // An accent makes one character of itself and the sign before it.
    let accents = CurvePlot(title: "<\u{301}script>", values: [1]).svg().unicodeScalars
    #expect(accents.contains("&lt;\u{301}script".unicodeScalars))
  }

  @Test func aCurveOfZerosIsFlat() {
    #expect(CurvePlot(title: "zero", values: [0, 0]).text(columns: 20, rows: 1).contains("0 └──"))
  }

  @Test(arguments: [1, 2, 99, 100_000, 100_001, 1_000_000_007, 1 << 62])
  func aCurveOfAnyLengthIsDrawnFromItsFirstStepToItsLast(_ steps: Int) throws {
    var asked: [Int] = []
    let curve = CurvePlot(title: "t", steps: steps) { step in
      asked.append(step)
      return Double(step) / Double(steps)
    }
    let plot = try #require(curve)
    #expect(asked.first == 1 && asked.last == steps)
    #expect(asked == Array(Set(asked)).sorted())
    #expect(asked.count == min(steps, CurvePlot.valueLimit))
    #expect(plot.text().contains("\(steps)") && plot.svg().contains(">\(steps)</text>"))
  }

  @Test(arguments: [Double.infinity, .nan]) func aValueThatIsNotFiniteHasNoPlace(value: Double) {
    #expect(CurvePlot(title: "t", steps: 3) { $0 == 2 ? value : 1 } == nil)
  }
}
