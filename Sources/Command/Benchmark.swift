import ArgumentParser
import Foundation
import LockstepBenchmarking
import LockstepCommunication
import LockstepMPICommunication
import LockstepSettings
import LockstepTraining

struct Benchmark: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measures this machine, the reduction, or training; nothing is written.",
    subcommands: [
      BenchmarkMachine.self, BenchmarkKernels.self, BenchmarkReduction.self, BenchmarkTraining.self,
    ],
    defaultSubcommand: BenchmarkMachine.self)
}

/// What is trained to measure, and how it is told.
struct TrainingBenchmarkArguments: ParsableArguments {
  @Argument(help: "Whose shapes: tiny, small, gpt2, gpt2-long, or a configuration, YAML.")
  var source = "small"

  @Option(help: "Optimiser steps that are timed. Default: about 10 seconds.")
  var steps: Int?

  @Option(
    name: .customLong("set"),
    help: ArgumentHelp("Overrides one key of the configuration.", valueName: "key.path=value"))
  private var overrides: [String] = []

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try Requirement.within(1...1_000_000_000).check(steps, of: "--steps")
  }

  /// What `source` names. Collective.
  func benchmark(_ communicator: any Communicator) throws -> BenchmarkCase {
    try BenchmarkCase(source, overrides: overrides, communicator: communicator)
  }

  /// The timed run. Collective.
  func measure(_ benchmark: BenchmarkCase, _ communicator: any Communicator) throws
    -> TrainingBenchmark
  {
    try TrainingBenchmark(benchmark, steps: steps, communicator: communicator)
  }
}

struct BenchmarkMachine: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machine",
    abstract: "Training, and in short the kernels or, with several ranks, the reduction.",
    discussion: "As lockstep benchmark, or mpirun -np 2 lockstep benchmark: half a minute.")

  @OptionGroup var arguments: TrainingBenchmarkArguments

  func run() throws {
    Launch.run(over: .mpi) { communicator, _ in
      let benchmark = try arguments.benchmark(communicator)
      var result = MachineResult()
      func say(_ part: String) throws {
        try communicator.onRankZero {
          if !arguments.json { try StandardOutput.print(part + "\n") }
        }
      }
      // First, because the kernels' arrays would count as its memory.
      let training = try arguments.measure(benchmark, communicator)
      try say(training.description)
      result.training = training
      if communicator.size == 1 {
        let kernels = try KernelBenchmark(benchmark, communicator: communicator, seconds: 0.02)
        try say(kernels.description)
        result.kernels = kernels
      } else {
        let reduction = try ReductionBenchmark(communicator: communicator, largest: 16 << 20)
        try say(reduction.description)
        result.reduction = reduction
      }
      try communicator.onRankZero {
        if arguments.json { try StandardOutput.printJSON(result) }
      }
      return .success
    }
  }
}

/// What `lockstep benchmark` measures; what is nil was not measured.
private struct MachineResult: Encodable {
  var kernels: KernelBenchmark?
  var reduction: ReductionBenchmark?
  var training: TrainingBenchmark?
}

struct BenchmarkKernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Speeds of matrix products, of memory, and of the vector kernels.",
    discussion: """
      With one thread and with all. In one process, without mpirun. Each product of the model's is shown in \
      its three forms: forward, for the gradient of the input, and for that of the weight.
      """)

  @Argument(help: "Whose shapes: tiny, small, gpt2, gpt2-long, or a configuration, YAML.")
  var source = "gpt2"

  @Flag(name: .customLong("products"), help: "Lockstep's products only: no OpenBLAS, no kernels.")
  var productsOnly = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    Launch.run(over: .mpi) { communicator, _ in
      let result = try KernelBenchmark(
        BenchmarkCase(source, communicator: communicator), communicator: communicator,
        productsOnly: productsOnly)
      try StandardOutput.print(result, asJSON: json)
      return .success
    }
  }
}

struct BenchmarkReduction: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "reduction",
    abstract: "The canonical reduction against MPI_Allreduce, from 1 KiB to 1 GiB.",
    discussion: """
      Start it with the ranks of a training: mpirun -np 2 lockstep benchmark reduction. Sizes of which \
      one repetition takes longer than 10 seconds, as on slow links, are measured only with --largest.
      """)

  @Option(help: "The largest gradient, in bytes. Default: 1073741824, or what is quick enough.")
  var largest: Int?

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    try Requirement.within(1024...1 << 40).check(largest, of: "--largest")
  }

  func run() throws {
    Launch.run(over: .mpi) { communicator, _ in
      let result = try ReductionBenchmark(communicator: communicator, largest: largest) { line in
        try communicator.onRankZero { if !json { try StandardOutput.print(line) } }
      }
      try communicator.onRankZero { if json { try StandardOutput.printJSON(result) } }
      return .success
    }
  }
}

struct BenchmarkTraining: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Tokens a second on synthetic tokens, and the share of the peak.",
    discussion: """
      The peak is what the processors' arithmetic can do, measured on all threads at once. \
      A built-in case has one micro-batch a step for each rank.
      """)

  @OptionGroup var arguments: TrainingBenchmarkArguments

  func run() throws {
    Launch.run(over: .mpi) { communicator, _ in
      let benchmark = try arguments.benchmark(communicator)
      let result = try arguments.measure(benchmark, communicator)
      try communicator.onRankZero { try StandardOutput.print(result, asJSON: arguments.json) }
      return .success
    }
  }
}
