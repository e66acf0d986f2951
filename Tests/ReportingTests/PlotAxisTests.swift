import LockstepReporting
import Testing

@Suite struct PlotAxisTests {
  /// Pairs of ends: ordinary, as far apart as there is, and as close.
  @Test(arguments: [
    (0, 10), (-1e308, 1.7e308), (1e20, 1e20.nextUp), (0, .leastNonzeroMagnitude),
    (-1.7e308, -1.6e308),
  ])
  func anyFiniteValuesHaveTicksAndPlaces(low: Double, high: Double) {
    let axis = PlotAxis([low, high], from: 10, to: 110)
    #expect(!axis.ticks.isEmpty && axis.ticks.count < 20)
    #expect(axis.ticks.allSatisfy { $0.isFinite })
    #expect(axis.position(low) == 10 && axis.position(high) == 110)
  }

  @Test func valuesThatAreNotFiniteAreLeftOut() {
    let axis = PlotAxis([.nan, 1, .infinity, 2], from: 0, to: 1)
    #expect(axis.low == 1 && axis.high == 2)
    #expect(SVG.pixel(.infinity) == "inf" && SVG.pixel(.nan) == "nan" && SVG.pixel(3.04) == "3")
  }

  @Test func theLargestValuesThereAreCanBeDrawn() {
    let plot = CurvePlot(title: "large", values: [1.7e308, 1.7e308, 0])
    #expect(plot.text(columns: 12, rows: 1).contains("█"))
    #expect(!plot.svg().contains("inf") && !plot.svg().contains("nan"))
  }
}
