import LockstepCommunication
import LockstepReporting

extension Trainer {
  /// Tells where the time of the last steps went on each rank. Collective.
  func reportRanks() throws {
    let window = Self.stepsBetweenRankRecords
    guard progress.ownSteps.isMultiple(of: window) else { return }
    let spent = step.phases - recordBegin
    recordBegin = step.phases
    let own = RankWindow(spent, residentBytes: ResidentMemory.byteCount)
    let all =
      communicator.size > 1
      ? try communicator.allGather(own.numbers).map(RankWindow.init(numbers:)) : [own]
    try rebalance(seconds: all.map { $0.forward + $0.backward }, steps: window)
    guard communicator.isRankZero else { return }
    emit(
      .ranks(RanksRecord(step: progress.step, ranks: all.map { $0.means(ofSteps: window) })))
  }

  private static let stepsBetweenRankRecords = 10

  /// Deals micro-batches out anew where that makes steps shorter. Collective.
  ///
  /// - Parameters:
  ///   - seconds: Of all ranks' passes, the same on all ranks.
  ///   - steps: In which they were taken.
  private func rebalance(seconds: [Double], steps: Int) throws {
    guard plan.rebalance, communicator.size > 1, let step = step as? TrainingStep else { return }
    var rebalancing =
      self.rebalancing
      ?? Rebalancing(
        leafCount: plan.batch.microbatches, size: communicator.size,
        leastSeconds: leastSecondsForRebalancing)
    defer { self.rebalancing = rebalancing }
    let before = rebalancing.division
    guard let change = rebalancing.record(seconds: seconds, steps: steps) else { return }
    guard try step.rebalance(to: change.division, method: plan.reduction) else {
      rebalancing.giveUp(returningTo: before)
      return emit(.notice(change.refusal(step: progress.step)))
    }
    emit(.notice(change.notice(step: progress.step)))
  }

  /// Tells of ranks that are slower than the others, when a window of steps is over. Collective.
  func compareRanks() throws {
    let window = StragglerWatch.window
    // Where micro-batches are dealt out by speed, nobody waits long for a slow rank.
    guard communicator.size > 1, progress.ownSteps.isMultiple(of: window), !plan.rebalance
    else { return }
    let phases = step.phases
    let done = StragglerWatch.Work(
      seconds: phases.forward + phases.backward, microbatches: Double(step.computedMicrobatches))
    let all = try communicator.allGather(
      [done.seconds - windowBegin.seconds, done.microbatches - windowBegin.microbatches])
    windowBegin = done
    let work = all.map { StragglerWatch.Work(seconds: $0[0], microbatches: $0[1]) }
    for straggler in stragglers.record(work) {
      let host = communicator.watch?.hostName(ofRank: straggler.rank)
      emit(.notice(straggler.notice(host: host)))
    }
  }
}

/// Where the time of one rank went in a window of steps, in seconds, and its memory at the end.
private struct RankWindow {
  let forward, backward: Double
  /// Without waiting.
  let reduction: Double
  let waiting, optimizer: Double
  let residentBytes: Int

  init(_ spent: StepPhases, residentBytes: Int) {
    (forward, backward, optimizer) = (spent.forward, spent.backward, spent.optimizer)
    (reduction, waiting) = (spent.reduction - spent.waiting, spent.waiting)
    self.residentBytes = residentBytes
  }

  /// - Parameter numbers: As of `numbers`.
  init(numbers: [Double]) {
    (forward, backward, reduction) = (numbers[0], numbers[1], numbers[2])
    (waiting, optimizer, residentBytes) = (numbers[3], numbers[4], Int(numbers[5]))
  }

  /// What travels.
  var numbers: [Double] {
    [forward, backward, reduction, waiting, optimizer, Double(residentBytes)]
  }

  func means(ofSteps count: Int) -> RanksRecord.Rank {
    let steps = Double(count)
    return RanksRecord.Rank(
      forwardSeconds: forward / steps, backwardSeconds: backward / steps,
      reductionSeconds: reduction / steps, waitingSeconds: waiting / steps,
      optimizerSeconds: optimizer / steps, residentBytes: residentBytes)
  }
}
