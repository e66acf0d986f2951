import LockstepDatasets
import LockstepPrivacy
import LockstepSettings

extension RunConfiguration {
  /// What must hold between privacy and what is learned: all that would tell of the data beside the noisy sums is
  /// refused.
  func checkPrivacy(_ checks: inout SettingChecks) {
    guard plan.privacy.isOn else { return }
    plan.checkPrivacy(&checks)
    recipe.checkPrivacy(&checks)
    checks.require(
      plan.samples.every == 0 || !plan.samples.prompts.isEmpty, "samples.every",
      "0, because the held-out samples that it shows are of the data and privacy is on; samples.prompts shows "
        + "texts of your own", involving: "samples.prompts")
  }
}

extension Plan {
  fileprivate func checkPrivacy(_ checks: inout SettingChecks) {
    checks.require(
      reduction == .canonical, "reduction",
      "canonical, because privacy is on: sums that are rounded otherwise would differ under the same noise, and "
        + "their difference would tell of the data")
    checks.require(
      products == .canonical, "products",
      "canonical, because privacy is on: sums in another order would differ under the same noise, and their "
        + "difference would tell of the data")
    checks.require(
      !synchronize.isOn, "synchronize.every",
      "0, because privacy is on and the accountant counts steps of all ranks together")
    checks.require(
      !earlyStopping.isOn, "early_stopping.patience",
      "0, because privacy is on and when to stop would be decided by data that get no noise")
    checks.require(
      schedule.plateau == nil, "schedule.name",
      "another than plateau, because privacy is on and the learning rate would be decided by data that get no "
        + "noise")
    checks.require(
      optimizer.skipAbove == 0, "optimizer.skip_above",
      "0, because privacy is on and which steps are skipped would be decided by losses that get no noise"
    )
  }
}

extension Recipe {
  fileprivate func checkPrivacy(_ checks: inout SettingChecks) {
    checks.require(
      [.languageModeling, .classification, .regression].contains(task), "task",
      "language-modeling, classification or regression, because privacy is on and the samples of other tasks are "
        + "not told apart")
    checks.require(
      data.preferences == nil, "data.format",
      "another than preferences, because privacy is on and the samples of preferences are not told apart"
    )
    checks.require(
      loss.kind.distillation == nil, "loss.name",
      "another than distillation, because privacy is on and nobody knows what the teacher learned from"
    )
    checks.require(
      !(data.normalizes ?? false), "data.normalize",
      "false, because privacy is on and means and deviations would be computed from the data without noise"
    )
    checks.require(
      data.tokens.map { $0.train.elements.count == 1 } ?? true, "data.train",
      "one file, because privacy is on and the windows of several would be drawn at different rates"
    )
  }
}

extension DataConfiguration {
  /// Whether features are normalised by statistics of the data; nil: they have none.
  fileprivate var normalizes: Bool? {
    switch format {
    case .idx(let images): images.normalize
    case .csv(let table): table.normalize
    default: nil
    }
  }
}
