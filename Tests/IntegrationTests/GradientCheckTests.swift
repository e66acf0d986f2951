import Foundation
import LockstepTraining
import TestSupport
import Testing

extension TrainedRunTests {
  /// The check itself is checked: it must notice a gradient that is wrong, whatever the tensor.
  @Suite struct GradientCheckTests {
    private func configuration(_ bench: Workbench, seed: Int) throws -> RunConfiguration {
      try RunConfiguration.load(
        path: bench.path("run.yaml"),
        overrides: ["train", "validation"].map { "data.\($0)=\(bench.path("data/\($0).bin"))" }
          + ["data.tokenizer=\(bench.path("data/tokenizer.json"))", "seed=\(seed)"])
    }

    @Test(arguments: 1...4) func rightGradientsPass(_ seed: Int) throws {
      let bench = try Workbench()
      defer { withExtendedLifetime(bench) {} }
      let report = try GradientCheck(configuration(bench, seed: seed), step: 3 * seed).run()
      #expect(report.passes, "\(report)")
    }

    /// In bfloat16 a loss moves in steps, and right gradients would seem wrong.
    @Test func gradientsAreCheckedInFloat32WhateverThePrecision() throws {
      let bench = try Workbench()
      defer { withExtendedLifetime(bench) {} }
      var configuration = try configuration(bench, seed: 1)
      let expected = try GradientCheck(configuration, step: 0).run()
      configuration.plan.precision = .bfloat16
      let report = try GradientCheck(configuration, step: 0).run()
      #expect(report.passes && report.description == expected.description, "\(report)")
    }

    /// Ways in which a backward pass is wrong in practice.
    enum Fault: CaseIterable {
      /// A forgotten factor.
      case scaled
      /// A row that a loop does not reach.
      case halfMissing
      /// A term with the wrong sign.
      case negated
      /// Elements in the wrong places.
      case reversed

      func apply(to gradient: UnsafeMutableBufferPointer<Float>) {
        let count = gradient.count
        switch self {
        case .scaled: for index in 0..<count { gradient[index] *= 1.1 }
        case .halfMissing: for index in count / 2..<count { gradient[index] = 0 }
        case .negated: for index in 0..<count { gradient[index] *= -1 }
        case .reversed:
          for index in 0..<count / 2 { gradient.swapAt(index, count - 1 - index) }
        }
      }
    }

    @Test(arguments: Fault.allCases) func aWrongGradientFailsForEveryTensor(_ fault: Fault) throws {
      let bench = try Workbench()
      defer { withExtendedLifetime(bench) {} }
      let report = try GradientCheck(
        configuration(bench, seed: 1), step: 0,
        tampering: { _, gradient in fault.apply(to: gradient) }
      ).run()
      for line in report.lines {
        #expect(!line.passes, "\(fault): \(line.name) \(line.computed) \(line.measured)")
      }
    }
  }
}
