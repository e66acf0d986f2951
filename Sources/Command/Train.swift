import ArgumentParser
import Foundation
import LockstepCommunication
import LockstepMPICommunication
import LockstepReporting
import LockstepSettings
import LockstepSupervision
import LockstepTraining

struct Train: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Trains a model as a configuration file says.",
    discussion: """
      Alone it is one process; under an MPI launcher (mpirun -np 4 lockstep train …) every rank \
      computes its share. The result is the same, bit for bit.

      SIGTERM, SIGINT, SIGHUP and SIGUSR1 save the run and end it with exit code 75; --resume goes on, on \
      any number of ranks.

      Under mpirun use kill -USR1 on the process of mpirun: to the other signals it answers by ending the \
      ranks after about a second, with exit code 1, and a large model is not saved by then.
      """)

  @Argument(help: "The configuration, YAML; also /dev/stdin, or another pipe.")
  var configuration: String?

  @OptionGroup var arguments: RunArguments

  @Flag(help: "Go on from the run's newest complete checkpoint.")
  var resume = false

  @Option(
    help: ArgumentHelp(
      """
      Record what each rank and thread does in these steps, and write it to trace.json in the run's directory, \
      for Perfetto or chrome://tracing: one step, as 10, or several, as 10-14.
      """, valueName: "steps"), transform: ProfiledSteps.init(argument:))
  var profile: ProfiledSteps?

  @Flag(help: "Print the resolved configuration, every key explained, and end.")
  var printConfig = false

  @Flag(help: "On a terminal, draw the loss below the line that follows the steps.")
  var curve = false

  @Flag(help: "Draw the learning rate over the steps, and end.")
  var plotSchedule = false

  @Option(help: ArgumentHelp("With --plot-schedule: draw into this SVG file.", valueName: "path"))
  var plotOutput: String?

  @Option(help: .hidden)
  var productVersion: Int?

  @OptionGroup var key: KeyArguments

  func validate() throws {
    guard configuration != nil || printConfig || plotSchedule else {
      throw ValidationError("Missing expected argument '<configuration>'")
    }
    guard !curve || !(arguments.quiet || arguments.json) else {
      throw ValidationError("--curve is drawn on the console: leave --quiet and --json out")
    }
    guard plotOutput == nil || plotSchedule else {
      throw ValidationError("--plot-output goes with --plot-schedule")
    }
    try Requirement.within(1...4).check(productVersion, of: "--product-version")
  }

  func run() throws {
    if printConfig { return try StandardOutput.writeText(resolved().yaml()) }
    if plotSchedule { return try plot(resolved().plan.schedulePlot) }
    guard let path = configuration else { return }
    if let productVersion { Precision.limitVersion(to: productVersion) }
    // From here on a signal means: save and stop. One that comes early takes effect after a step.
    StopRequest.bySignals { stop in
      Launch.run(over: .mpi) { communicator, launch in
        try train(path, communicator, launch, until: stop)
      }
    }
  }

  /// Collective.
  ///
  /// - Parameter path: Of the configuration.
  /// - Returns: What the process ends with.
  private func train(
    _ path: String, _ communicator: any Communicator, _ launch: Launch, until stop: StopRequest
  ) throws -> LockstepTraining.ExitCode {
    let directory = RunDirectory(path: arguments.directory(for: path))
    communicator.watch?.begin(
      launch.startLimits, activity: .steps, directory: directory.path)
    let configuration = try RunConfiguration.load(
      path: path, overrides: arguments.overrides, communicator)
    communicator.watch?.begin(
      configuration.plan.watchdog.limits, activity: .beginning, directory: directory.path)
    let run = try TrainingRun(
      configuration: configuration, communicator: communicator,
      mode: launch.description(of: communicator.topology),
      directory: directory, resume: resume, profile: profile,
      job: ProcessInfo.processInfo.environment[JobProcesses.variable])
    try communicator.onRankZero {
      try run.attach(
        console: arguments.quiet ? .quiet : arguments.json ? .json : curve ? .curve : .text)
    }
    return try run.run(until: stop)
  }

  /// The configuration with all overrides; the defaults where there is no file.
  private func resolved() throws -> RunConfiguration {
    let resolved =
      try configuration.map {
        try RunConfiguration.load(path: $0, overrides: arguments.overrides)
      }
      ?? RunConfiguration.parse(
        yaml: "{}", source: "the defaults", overrides: arguments.overrides)
    for notice in resolved.notices { StandardError.say("lockstep: \(notice)") }
    return resolved
  }

  private func plot(_ plot: CurvePlot) throws {
    guard let path = plotOutput else {
      return try StandardOutput.write(plot.text(columns: DescriptorOutput().columns ?? 72))
    }
    do {
      try Data(plot.svg().utf8).write(to: URL(fileURLWithPath: path))
    } catch {
      throw ValidationError("\(path): cannot write: \(error.localizedDescription)")
    }
  }
}

extension ProfiledSteps {
  fileprivate init(argument: String) throws {
    guard let steps = ProfiledSteps(argument) else {
      throw ValidationError(
        "'\(argument)' names no steps: give one, as 10, or at most \(Self.limit), as 10-14")
    }
    self = steps
  }
}
