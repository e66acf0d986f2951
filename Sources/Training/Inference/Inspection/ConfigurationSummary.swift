import LockstepDatasets
import LockstepFiles
import LockstepSettings

/// What `lockstep inspect` tells of a configuration: what a run by it would be.
public struct ConfigurationSummary: Encodable, CustomStringConvertible {
  /// A file that the run reads.
  struct File: Encodable, Equatable {
    let path: String
    /// Whether it is there.
    let exists: Bool
  }

  let path: String
  let task: String
  let model: String
  let files: [File]
  let batch: String
  let optimizer: String
  let steps: Int

  /// - Throws: `ConfigurationError` with everything that is wrong with it.
  init(path: String) throws(ConfigurationError) {
    let configuration = try RunConfiguration.load(path: path)
    let plan = configuration.plan
    self.path = path
    task = configuration.recipe.task.rawValue
    model = configuration.recipe.modelSummary
    files = configuration.locatingFiles().recipe.data.paths.map {
      File(path: $0, exists: (try? FileSystem.exists($0)) ?? false)
    }
    batch = "\(plan.batch.microbatches) micro-batches of \(plan.batch.sequences)"
    optimizer = plan.optimizerSummary
    steps = plan.steps
  }

  public var description: String {
    let files = files.map {
      "    \($0.path)\($0.exists ? "" : "  (not there)")"
    }
    return """
      \(path): configuration of a run, with nothing wrong in it
        task        \(task)
        model       \(model)
        batch       \(batch)
        optimiser   \(optimizer)
        steps       \(steps)
        data
      \(files.joined(separator: "\n"))
      """
  }
}

extension DataConfiguration {
  /// The paths of all files, in the order of their keys.
  fileprivate var paths: [String] {
    var paths: [String] = []
    _ = mappingPaths {
      if !paths.contains($0) { paths.append($0) }
      return $0
    }
    return paths
  }
}
