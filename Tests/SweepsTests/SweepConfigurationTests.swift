import Foundation
import LockstepSettings
import LockstepSweeps
import Testing

@Suite struct SweepConfigurationTests {
  private func parse(_ text: String) throws -> SweepConfiguration {
    try SweepConfiguration.parse(yaml: text, source: "sweep.yaml")
  }

  /// All that is wrong, one line each.
  private func problems(_ text: String) -> [String] {
    do throws(ConfigurationError) {
      _ = try SweepConfiguration.parse(yaml: text, source: "sweep.yaml")
      return []
    } catch {
      return error.violations.map(\.description)
    }
  }

  private func values(_ trials: [Trial], _ key: String) -> [String] {
    trials.compactMap { $0.values.first { $0.key == key }?.value.scalar }
  }

  /// All that is wrong with a sweep over a base, one line each.
  private func problems(_ sweep: String, base: String, overrides: [String] = []) throws -> [String]
  {
    do throws(ConfigurationError) {
      _ = try SweepPlan(
        SweepConfiguration.parse(yaml: sweep, source: "sweep.yaml"), base: base,
        overrides: overrides, ranks: 1)
      return []
    } catch {
      return error.violations.map(\.description)
    }
  }

  @Test func aKeyThatVariesNeverDiscardsWhatTheBaseSays() throws {
    let found = try problems(
      "base: run.yaml\nparameters:\n  optimizer.learning_rate: {values: [1e-3, 1e-2]}",
      base: "optimizer: sgd")
    #expect(
      found == [
        "sweep.yaml:3: optimizer.learning_rate: would discard optimizer, which is \"sgd\" "
          + "(run.yaml:1): write optimizer: {name: sgd}"
      ])
    let folds = try problems(
      "base: run.yaml\nfolds: 3\nparameters: {seed: {values: [1]}}",
      base: "task: regression\ndata: {format: csv, folds: 5}\nmodel: {architecture: linear}")
    #expect(folds.contains { $0.contains("would discard data.folds, which is 5") }, "\(folds)")
  }

  @Test func aSectionThatVariesIsSetBeforeItsKeys() throws {
    let sweep = try SweepPlan(
      parse(
        """
        base: run.yaml
        parameters:
          optimizer.learning_rate: {values: [0.5]}
          optimizer: {values: [{name: sgd, clip_norm: 2}]}
        """), base: "steps: 9", overrides: [], ranks: 1)
    let optimizer = sweep.runs[0].configuration.optimizer
    #expect(optimizer.method.variantName == "sgd" && optimizer.learningRate == 0.5)
  }

  @Test func aGridOfMoreCombinationsThanCanBeCountedIsRefused() {
    let values = "{values: [\((1...4096).map(String.init).joined(separator: ", "))]}"
    let keys = (0..<6).map { "key\($0): \(values)" }.joined(separator: ", ")
    #expect(
      problems("{base: run.yaml, parameters: {\(keys)}}").contains {
        $0.contains("values of at most 10000 combinations")
      })
  }

  @Test func aGridIsEveryCombinationTheFirstKeySlowest() throws {
    let sweep = try parse(
      """
      base: run.yaml
      parameters:
        optimizer.learning_rate: {values: [1e-3, 1e-2]}
        batch.sequences: {values: [1, 2, 3]}
      """)
    #expect(sweep.trials.map(\.number) == Array(1...6))
    #expect(
      values(sweep.trials, "optimizer.learning_rate")
        == ["1e-3", "1e-3", "1e-3", "1e-2", "1e-2", "1e-2"])
    #expect(values(sweep.trials, "batch.sequences") == ["1", "2", "3", "1", "2", "3"])
  }

  @Test func randomValuesDependOnSeedTrialAndKeyAlone() throws {
    func sweep(_ seed: Int, _ trials: Int, _ keys: String) throws -> [Trial] {
      try parse(
        "{base: b, method: random, trials: \(trials), seed: \(seed), parameters: {\(keys)}}"
      ).trials
    }
    let rate = "optimizer.learning_rate: {low: 1e-4, high: 1e-1, scale: log}"
    let width = "model.width: {low: 8, high: 64, integer: true}"
    let few = try values(sweep(3, 5, rate), "optimizer.learning_rate")
    let many = try values(sweep(3, 9, "\(width), \(rate)"), "optimizer.learning_rate")
    #expect(Array(many.prefix(5)) == few)
    #expect(Set(many).count == 9)
    #expect(try values(sweep(4, 5, rate), "optimizer.learning_rate") != few)
  }

  /// The difference of a range's ends, and their quotient, may be beyond all numbers.
  @Test(arguments: [
    "low: -1e308, high: 1e308", "low: -1.7976931348623157e308, high: 1.7976931348623157e308",
    "low: 1e-300, high: 1e300, scale: log", "low: 5e-324, high: 1.7976931348623157e308, scale: log",
    "low: 5e-324, high: 1e-310, scale: log", "low: 1e-4, high: 1e301, scale: log",
    "low: -9007199254740991, high: 9007199254740991, integer: true",
    "low: 1, high: 9007199254740991, integer: true, scale: log",
  ])
  func rangesAsWideAsNumbersGoAreCovered(range: String) throws {
    let sweep = try parse(
      "{base: b, method: random, trials: 400, parameters: {optimizer.learning_rate: {\(range)}}}")
    let domain = try #require(sweep.parameters.parameters.first).domain
    let (low, high) = (try #require(domain.low), try #require(domain.high))
    let found = values(sweep.trials, "optimizer.learning_rate").compactMap(Double.init)
    try #require(found.count == 400 && found.allSatisfy { (low...high).contains($0) })
    func place(_ value: Double) -> Double {
      domain.scale == .log
        ? (log(value) - log(low)) / (log(high) - log(low))
        : (value / 2 - low / 2) / (high / 2 - low / 2)
    }
    // Every fifth of the range has its share.
    for fifth in 0..<5 {
      let count = found.count { Int(min(place($0), 0.999) * 5) == fifth }
      #expect((50...110).contains(count), "\(fifth): \(count)")
    }
  }

  @Test(arguments: [
    ("low: 0, high: 1, scale: log", "above 0"), ("low: -1, high: 1, scale: log", "above 0"),
    ("low: -1, high: -0.5, scale: log", "above 0"), ("low: 1e-400, high: 1, scale: log", "above 0"),
    ("low: -.inf, high: 1", "number"), ("low: 0, high: .inf", "number"),
    ("low: 0, high: 1e309", "number"), ("low: 1, high: 1", "below high"),
    ("low: 0, high: 1e300, integer: true", "a whole number"),
    ("low: 0.5, high: 3, integer: true", "a whole number"),
  ])
  func rangesThatCanNotBeDrawnFromAreRefused(range: String, expected: String) {
    let found = problems(
      "{base: b, method: random, trials: 4, parameters: {optimizer.learning_rate: {\(range)}}}")
    #expect(found.count == 1 && found[0].contains(expected), "\(found)")
  }

  @Test func rangesAreCoveredAsTheirScaleSays() throws {
    let trials = try parse(
      """
      base: run.yaml
      method: random
      trials: 4000
      parameters:
        optimizer.learning_rate: {low: 1e-4, high: 1, scale: log}
        optimizer.weight_decay: {low: -2, high: 2}
        model.layers: {low: 1, high: 4, integer: true}
        model.width: {low: 1, high: 1000, scale: log, integer: true}
        data.format: {values: [idx, csv]}
      """
    ).trials
    let rates = values(trials, "optimizer.learning_rate").compactMap(Double.init)
    #expect(rates.count == 4000 && rates.allSatisfy { (1e-4...1).contains($0) })
    // A decade holds a quarter, within five standard deviations (27) of it.
    for decade in [1e-4, 1e-3, 1e-2, 1e-1] {
      #expect((863...1137).contains(rates.count { (decade..<10 * decade).contains($0) }))
    }
    let decays = values(trials, "optimizer.weight_decay").compactMap(Double.init)
    #expect(decays.allSatisfy { (-2...2).contains($0) })
    for start in [-2.0, -1, 0, 1] {
      #expect((863...1137).contains(decays.count { (start..<start + 1).contains($0) }))
    }
    let layers = values(trials, "model.layers").compactMap(Int.init)
    for count in 1...4 { #expect((863...1137).contains(layers.count { $0 == count })) }
    let widths = values(trials, "model.width").compactMap(Int.init)
    #expect(widths.count == 4000 && widths.min() == 1 && (950...1000).contains(widths.max() ?? 0))
    let formats = values(trials, "data.format")
    #expect((1840...2160).contains(formats.count { $0 == "idx" }))
    // What is drawn can be written down in full.
    #expect(values(trials, "optimizer.learning_rate").allSatisfy { $0.count <= 9 })
  }

  @Test func everythingThatIsWrongIsToldWithItsLine() {
    let found = problems(
      """
      base: run.yaml
      methd: grid
      trials: 3
      parameters:
        optimizer.learning_rate: {low: 1, high: 1e-3, scale: log}
        batch.sequences: {low: 2}
        model.width: {values: [], lo: 3}
        model.layers: {values: [1], high: 3}
        seed: 7
      metric: happiness
      """)
    for expected in [
      "sweep.yaml:2: methd: unknown key; did you mean method?",
      "sweep.yaml:3: trials: a key of method: random or method: halving, but here method is grid: leave it out, or choose another method",
      "sweep.yaml:5: parameters.optimizer.learning_rate.low: found 1.0, expected below high (0.001)",
      "sweep.yaml:6: parameters.batch.sequences.high: found nothing",
      "sweep.yaml:7: parameters.model.width.lo: unknown key; did you mean low?",
      "sweep.yaml:8: parameters.model.layers.values: found [1], expected a list, or low and high, but",
      "sweep.yaml:9: parameters.seed: found 7, expected a map of keys",
      "sweep.yaml:10: goal: found nothing (the default), expected min or max",
    ] {
      #expect(found.contains { $0.hasPrefix(expected) }, "\(expected)\n\(found)")
    }
    #expect(found.count == 9, "\(found)")
  }

  @Test(arguments: [
    ("{method: grid, parameters: {seed: {values: [1]}}}", "base: found"),
    ("{base: b}", "parameters: found a map (the default), expected a map of keys"),
    ("{base: b, method: range-test, parameters: {seed: {values: [1]}}}", "expected nothing"),
    ("{base: b, parameters: {seed: {low: 1, high: 2}}}", "values for seed, because method is grid"),
    ("{base: b, method: random, parameters: {seed: {low: 1, high: 2.5, integer: true}}}", "whole"),
    ("{base: b, method: random, parameters: {seed: {low: 0, high: 2, scale: log}}}", "above 0"),
    ("{base: b, method: simulated-annealing}", "grid, random, halving or range-test"),
    ("{base: b, method: halving, eta: 1, parameters: {seed: {low: 0, high: 2}}}", "from 2 to 100"),
    ("{base: b, parameters: {seed: {values: [1]}, seed: {values: [2]}}}", "occurs twice"),
    ("", "the file is empty"),
  ])
  func aSweepThatCanNotBeMadeIsRefused(text: String, expected: String) {
    let found = problems(text)
    #expect(found.contains { $0.contains(expected) }, "\(found)")
  }

  @Test func whatIsWrittenReadsBackAsTheSame() throws {
    for text in [
      "{base: b, parameters: {model.hidden: {values: [[8], [16, 8], null]}, seed: {values: ['1']}}}",
      "{base: b, method: halving, trials: 9, min_steps: 4, metric: loss_of_face, goal: max, "
        + "parameters: {optimizer.learning_rate: {low: 1e-5, high: 1, scale: log}}}",
      "{base: b, method: range-test, low: 1e-7, high: 10, steps: 50}",
    ] {
      let sweep = try parse(text)
      #expect(try parse(sweep.yaml()) == sweep, "\(sweep.yaml())")
    }
  }

  @Test(arguments: ["4]}", "a, b", "a}", "{a", "it's", "#a", "a\"b", "@a b", "é"])
  func plainTextOfABlockStaysOneValueWhenItIsWritten(text: String) throws {
    // In a block, a comma or a bracket inside of a word is text.
    let sweep = try parse(
      "base: b\nparameters:\n  data.train:\n    values:\n    - x\(text)\n    - y\n")
    let again = try parse(sweep.yaml())
    #expect(again.yaml() == sweep.yaml())
    let values = again.parameters.parameters.map { $0.domain.values.map(\.scalar) }
    #expect(values == [["x\(text)", "y"]])
  }
}
