import ArgumentParser
import Foundation
import LockstepCommunication
import LockstepReporting
import LockstepSettings
import LockstepTraining

struct Debug: ParsableCommand, ReadsEncryptedFiles {
  static let configuration = CommandConfiguration(
    abstract: "Trains in one process whose threads are the ranks, or looks closely at a step.",
    discussion: """
      The ranks run the code of a distributed run over memory instead of MPI: a debugger and \
      sanitizers see all of them. Nothing is saved unless --output is given; then --resume goes on with \
      the run.
      """)

  @Argument(help: "The configuration, YAML. With --replay that of the run is taken.")
  var configuration: String?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Overrides one key of the configuration.", valueName: "key.path=value"))
  var overrides: [String] = []

  @Option(help: "How many ranks.")
  var ranks = 1

  @Option(help: "Pretend that each so many ranks are a host of their own.")
  var ranksPerHost: Int?

  @Option(help: "Optimiser steps; the same as --set steps=N.")
  var steps: Int?

  @Option(help: "The run's directory. Default: nothing is saved.")
  var output: String?

  @Flag(help: "Go on from the newest complete checkpoint of the run in --output.")
  var resume = false

  @Flag(help: "Compare the gradients of one micro-batch with finite differences, and end.")
  var checkGradients = false

  @Flag(help: "Print the activations and gradients of every layer in one micro-batch, and end.")
  var trace = false

  @Option(help: "A run of which one step is taken again and compared, bit by bit.")
  var replay: String?

  @Option(help: "The step to look at, from 1.")
  var step: Int?

  @OptionGroup var key: KeyArguments

  func validate() throws {
    // Each is a thread that waits for all others.
    try Requirement.within(1...256).check(ranks, of: "--ranks")
    try Requirement.atLeast(1).check(ranksPerHost, of: "--ranks-per-host")
    guard !resume || (output != nil && replay == nil && !checkGradients && !trace) else {
      throw ValidationError("--resume goes on with the run in --output: give it with that alone")
    }
    guard (replay == nil) == (configuration != nil) else {
      throw ValidationError("give either a configuration or --replay RUN")
    }
    guard replay == nil || step != nil else { throw ValidationError("--replay needs --step") }
    try Requirement.within(1...1_000_000_000).check(step, of: "--step")
  }

  func run() throws {
    if let replay, let step {
      let report = try StepReplay(run: RunDirectory(path: replay), step: step).compare()
      try StandardOutput.print(report)
      if !report.isEqual { throw CommandExit(code: .failure) }
      return
    }
    guard let configuration else { return }
    let resolved = try RunConfiguration.load(
      path: configuration, overrides: overrides + (steps.map { ["steps=\($0)"] } ?? []),
      ranks: ranks)
    if checkGradients || trace {
      for notice in resolved.notices { StandardError.say("lockstep: \(notice)") }
    }
    if checkGradients {
      let report = try GradientCheck(resolved, step: (step ?? 1) - 1).run()
      try StandardOutput.print(report)
      if !report.passes { throw CommandExit(code: .failure) }
    } else if trace {
      try StandardOutput.print(ActivationTrace.run(resolved, step: (step ?? 1) - 1))
    } else {
      try train(resolved)
    }
  }

  private func train(_ configuration: RunConfiguration) throws {
    let group = try InProcessGroup(size: ranks, ranksPerHost: ranksPerHost)
    let directory = output.map { RunDirectory(path: $0) }
    let mode = "\(ranks) ranks as threads of one process"
    let codes = try StopRequest.bySignals { stop in
      try group.run { communicator in
        let run = try TrainingRun(
          configuration: configuration, communicator: communicator, mode: mode,
          directory: directory, resume: resume)
        try communicator.onRankZero { try run.attach(console: .text) }
        return try run.run(until: stop)
      }
    }
    if let code = codes.first, code != .success { throw CommandExit(code: code) }
  }
}
