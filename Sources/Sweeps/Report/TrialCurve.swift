/// The losses of a trial over its steps, with so many points that a page stays light.
///
/// Where a trial has several folds, a point stands for the losses of all of them.
struct TrialCurve: Encodable, Equatable {
  /// Values that belong together, ascending by their places.
  struct Points: Encodable, Equatable {
    /// The mean step of each point.
    var x: [Double] = []
    /// The mean loss; nil where none was finite.
    var mean: [Double?] = []
    var low: [Double?] = []
    var high: [Double?] = []
    /// How many losses a point stands for.
    var counts: [Int] = []

    /// - Parameters:
    ///   - losses: In any order.
    ///   - width: Steps that share a point.
    init(_ losses: [(step: Int, loss: Double?)], width: Int) {
      let groups = Dictionary(grouping: losses) { ($0.step - 1) / width }
      for (_, group) in groups.sorted(by: { $0.key < $1.key }) {
        let finite = group.compactMap(\.loss)
        x.append(Double(group.reduce(0) { $0 + $1.step }) / Double(group.count))
        mean.append(finite.isEmpty ? nil : finite.reduce(0, +) / Double(finite.count))
        low.append(finite.min())
        high.append(finite.max())
        counts.append(group.count)
      }
    }
  }

  let trial: Int
  let training: Points
  let heldOut: Points

  /// - Parameters:
  ///   - histories: Of the trial's runs, one for each fold.
  ///   - points: The most of a curve.
  init(trial: Int, of histories: [LossHistory], points: Int) {
    self.trial = trial
    let longest = histories.compactMap { $0.steps.last?.step }.max() ?? 0
    training = Points(
      histories.flatMap(\.steps).map { ($0.step, $0.loss) },
      width: max(1, (longest + points - 1) / points))
    heldOut = Points(histories.flatMap(\.evaluations).map { ($0.step, $0.loss) }, width: 1)
  }
}
