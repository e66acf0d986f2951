import LockstepOptimization
import LockstepSettings

/// What a learning-rate range test found.
package struct RangeCurve: Encodable, Equatable, Sendable {
  package struct Point: Encodable, Equatable, Sendable {
    package let step: Int
    package let learningRate: Double
    package let loss: Double
    /// The mean of the losses so far, weighted by 0.9 to the power of how long ago.
    package let smoothedLoss: Double
  }

  package let points: [Point]
  /// Where the smoothed loss falls fastest over the logarithm of the rate; nil where it never
  /// falls.
  package let steepest: Double?
  /// Where the smoothed loss is lowest; training diverges a little above.
  package let lowest: Double?

  /// A rate to start from: where the loss falls fastest, but at most a tenth of where it is lowest.
  package var suggestion: Double? {
    guard let steepest, let lowest else { return nil }
    return min(steepest, lowest / 10)
  }

  /// A loss so many times the best one has exploded.
  static let explosion = 4.0

  /// Follows a loss from step to step.
  struct Smoothing {
    static let decay = 0.9
    private var sum = 0.0
    private var weight = 0.0
    private(set) var best = Double.infinity

    /// Takes in a loss and returns the smoothed one.
    mutating func record(_ loss: Double) -> Double {
      sum = Self.decay * sum + loss
      weight = Self.decay * weight + 1
      best = min(best, sum / weight)
      return sum / weight
    }

    /// Whether a smoothed loss has exploded.
    func hasExploded(_ smoothed: Double) -> Bool { smoothed > RangeCurve.explosion * best }
  }

  package init(_ history: LossHistory) {
    var smoothing = Smoothing()
    var points: [Point] = []
    for step in history.steps {
      guard let loss = step.loss else { break }
      points.append(
        Point(
          step: step.step, learningRate: step.learningRate, loss: loss,
          smoothedLoss: smoothing.record(loss)))
    }
    self.points = points
    // The first losses are means of few; the rates' logarithms are evenly spaced, so that a
    // difference of losses is a slope.
    let settled = points.dropFirst(min(10, points.count / 10))
    let best = settled.min { $0.smoothedLoss < $1.smoothedLoss }
    lowest = best?.learningRate
    let falling = settled.filter { $0.step <= best?.step ?? 0 }
    // Over a twentieth of the curve to either side, so that no single loss decides.
    let reach = max(1, points.count / 20)
    let slopes = zip(falling, falling.dropFirst(2 * reach)).map {
      $1.smoothedLoss - $0.smoothedLoss
    }
    let middle = slopes.indices.min { slopes[$0] < slopes[$1] }
    steepest = middle.flatMap { index in
      slopes[index] < 0 ? Array(falling)[index + reach].learningRate : nil
    }
  }
}

extension RangeTest {
  /// What makes a configuration that of the test: one way up, evaluated at its end only.
  var settings: [(key: String, value: SettingNode)] {
    let growth = growth
    func plain(_ value: String) -> SettingNode { SettingNode(.plain(value)) }
    return [
      ("optimizer.learning_rate", plain(String(low / growth))),
      (
        "schedule",
        SettingNode(
          .map([.init("name", plain("exponential")), .init("decay", plain(String(growth)))]))
      ),
      ("steps", plain(String(steps))),
      ("evaluate.every", plain("0")),
      ("checkpoint.every", plain("0")),
      ("early_stopping", SettingNode(.null)),
    ]
  }

  /// What the rate is multiplied with from one step to the next.
  private var growth: Double { (high / low).raised(to: 1 / Double(steps - 1)) }
}
