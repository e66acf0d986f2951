import Foundation
import LockstepOptimization
import LockstepSettings
import LockstepTensors

/// One choice of values.
package struct Trial: Sendable {
  /// Counted from 1.
  package let number: Int
  /// The values by key, in the order of the sweep's parameters.
  package let values: [(key: String, value: SettingNode)]
}

extension SweepConfiguration {
  /// All choices of values; a range test has one, without any.
  package var trials: [Trial] {
    switch method {
    case .rangeTest: [Trial(number: 1, values: [])]
    case .grid: gridTrials
    case .random(let search): (1...search.trials).map(randomTrial)
    case .halving(let search): (1...search.trials).map(randomTrial)
    }
  }

  private var gridTrials: [Trial] {
    let combinations = parameters.parameters.reduce([[]]) { combinations, parameter in
      combinations.flatMap { combination in
        parameter.domain.values.map { combination + [(key: parameter.key, value: $0)] }
      }
    }
    return combinations.enumerated().map { Trial(number: $0 + 1, values: $1) }
  }

  private func randomTrial(_ number: Int) -> Trial {
    Trial(
      number: number,
      values: parameters.parameters.map { parameter in
        let draw = parameter.draw(seed: UInt64(seed), trial: number)
        return (key: parameter.key, value: parameter.value(at: draw))
      })
  }
}

extension SweptParameters.Parameter {
  /// A number in [0, 1) that depends on the seed, the trial and this key alone: what other keys
  /// there are, and in which order, does not change it.
  ///
  /// The key comes in by its FNV-1a hash (G. Fowler, L. C. Noll, K.-P. Vo).
  func draw(seed: UInt64, trial: Int) -> Double {
    let hash = key.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    let stream = RandomStream(
      seed: seed, purpose: .search, site: Int(hash & 0xFF_FFFF), step: trial)
    return stream.uniform(at: Int(hash >> 32))
  }

  /// The value at a place of the domain.
  ///
  ///     values:  the ⌊u n⌋th of n
  ///     linear:  low + u (high - low)
  ///     log:     low · (high / low)ᵘ
  ///
  /// A number of a range has four digits that count; a whole number is the nearest, of a range that
  /// is half a unit wider at both ends.
  ///
  /// - Parameter u: In [0, 1).
  func value(at u: Double) -> SettingNode {
    if !domain.values.isEmpty {
      return domain.values[min(domain.values.count - 1, Int(u * Double(domain.values.count)))]
    }
    let (low, high) = (domain.low ?? 0, domain.high ?? 1)
    let margin = domain.integer ? 0.5 : 0
    let (start, end) = (low - margin, high + margin)
    let number =
      switch domain.scale {
      case .linear: Self.between(start, end, at: u)
      case .log: Self.timesPower(start, end, of: u)
      }
    let shortened = domain.integer ? number.rounded() : Self.shortened(number)
    let value = min(max(shortened, low), high)
    return SettingNode(.plain(domain.integer ? String(Int(value)) : String(value)), origin: origin)
  }

  /// start + u (end - start), also where the difference is beyond all numbers.
  private static func between(_ start: Double, _ end: Double, at u: Double) -> Double {
    let span = end - start
    return span.isFinite ? start + u * span : start * (1 - u) + end * u
  }

  /// start · (end / start)ᵘ, also where the quotient is beyond all numbers, or near to it, where powers
  /// are not computed: then in four steps of its fourth root.
  private static func timesPower(_ start: Double, _ end: Double, of u: Double) -> Double {
    let quotient = end / start
    if quotient < 1e300 { return start * quotient.raised(to: u) }
    let root = end.squareRoot().squareRoot() / start.squareRoot().squareRoot()
    let factor = root.raised(to: u)
    return (1...4).reduce(start) { value, _ in value * factor }
  }

  private static func shortened(_ number: Double) -> Double {
    Double(String(format: "%.3e", number)) ?? number
  }
}
