import Foundation
import LockstepTraining
import Testing

/// What a comparison of slopes makes of numbers that say nothing.
@Suite struct GradientCheckLineTests {
  @Test(arguments: [
    (1.0, 1.0, true), (1, 1.1, false), (0, 0, true), (1, .nan, false), (.nan, 1, false),
    (.nan, .nan, false), (1, .infinity, false), (.infinity, .infinity, false), (0, .nan, false),
  ])
  func aSlopeThatIsNoNumberIsNoAgreement(computed: Double, measured: Double, passes: Bool) {
    let line = GradientCheck.Line(
      name: "x", computed: computed, measured: measured, rounding: 1e-3)
    #expect(line.passes == passes)
  }

  /// A plane of zeros on targets of 0.
  @Test(arguments: [("0", "is 0"), ("1e30", "is not a finite number")])
  func aLossWithoutSlopesIsNamed(target: String, words: String) throws {
    let folder = try TemporaryFolder()
    let rows = (0..<40).map { "\($0),\(target)\n" }.joined()
    let table = try folder.write(Array(("a,y\n" + rows).utf8), to: "zeros.csv")
    let configuration = try RunConfiguration.parse(
      yaml: """
        task: regression
        data: {format: csv, train: \(table), validation: null, target: y, normalize: false}
        model: {architecture: linear}
        initialization: [{parameters: "*", method: zeros}]
        steps: 3
        schedule: {name: constant}
        evaluate: {every: 0}
        """, source: "test")
    let error = #expect(throws: (any Error).self) {
      try GradientCheck(configuration, step: 1).run()
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("the loss of the first micro-batch of step 2 \(words)"), "\(text)")
  }
}
