import Foundation
import Optimization
import Testing

@Suite struct ScheduleTests {
  @Test func cosineAgreesWithPyTorch() throws {
    for reference in try Fixture.load().schedules {
      let schedule = CosineSchedule(
        learningRate: reference.peak, finalRatio: reference.ratio,
        over: reference.warmup...reference.steps
      ).warmedUp(over: reference.warmup)
      for (step, rate) in zip(reference.warmup..., reference.decline) {
        // PyTorch's recursion gathers rounding errors; the closed form does not.
        #expect(abs(schedule.learningRate(step: step) - rate) <= 1e-13 * reference.peak)
      }
    }
  }

  @Test(arguments: [0.0, 0.1, 1.0]) func warmupAndDeclineMeetTheirEndsExactly(ratio: Double) {
    let schedules: [any Schedule] = [
      CosineSchedule(learningRate: 3e-4, finalRatio: ratio, over: 50...1000).warmedUp(over: 50),
      LinearSchedule(learningRate: 3e-4, finalRatio: ratio, over: 50...1000).warmedUp(over: 50),
    ]
    for schedule in schedules {
      #expect(schedule.learningRate(step: 0) == 0)
      #expect(schedule.learningRate(step: 1) == 3e-4 / 50)
      #expect(schedule.learningRate(step: 50) == 3e-4)
      #expect(schedule.learningRate(step: 1000) == 3e-4 * ratio)
      #expect(schedule.learningRate(step: 5000) == 3e-4 * ratio)
      let middle = schedule.learningRate(step: 525)
      #expect(abs(middle - 3e-4 * (1 + ratio) / 2) <= 1e-19)
    }
  }

  @Test func withoutWarmupTheFirstRateIsTheFullOne() {
    let schedule = LinearSchedule(learningRate: 2, over: 0...10).warmedUp(over: 0)
    #expect(schedule.learningRate(step: 0) == 2)
    #expect(schedule.learningRate(step: 5) == 1.1)
  }

  @Test func warmupOfTheWholeRunEndsAtTheFullRate() {
    let schedule = CosineSchedule(learningRate: 2, over: 10...10).warmedUp(over: 10)
    #expect(schedule.learningRate(step: 10) == 2)
    #expect(schedule.learningRate(step: 11) == 0.2)
  }

  @Test func constantStaysAfterWarmup() {
    let schedule = ConstantSchedule(learningRate: 0.5).warmedUp(over: 4)
    #expect((0...6).map(schedule.learningRate) == [0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.5])
  }

  @Test func ratesFallWithoutSteps() {
    let schedule = CosineSchedule(learningRate: 1, finalRatio: 0, over: 0...100_000)
    let rates = (0...100_000).map(schedule.learningRate)
    #expect(zip(rates, rates.dropFirst()).allSatisfy { $0 >= $1 })
  }

  @Test func reproducibleCosineIsAccurate() {
    for index in 0...10_000 {
      let x = Double(index) / 10_000
      #expect(abs(Double.cosineOfHalfTurns(x) - cos(.pi * x)) <= 4e-16)
    }
    #expect(Double.cosineOfHalfTurns(0.5) == 0)
  }

  @Test(arguments: [0, 1, 2, 7, 1000, 123_456]) func reproduciblePowerIsAccurate(exponent: Int) {
    let found = 0.9993.raised(to: exponent)
    #expect(abs(found - pow(0.9993, Double(exponent))) <= 1e-11 * found)
  }

  @Test func clippingFactorIsPyTorchs() {
    #expect(ClipNorm(maximum: 1).factor(norm: 0.5) == 1)
    #expect(ClipNorm(maximum: 1).factor(norm: 4) == 1 / (4 + 1e-6))
    #expect(ClipNorm(maximum: 2).factor(norm: 0) == 1)
    #expect(ClipNorm(maximum: 0).factor(norm: 1e9) == 1)
  }
}
