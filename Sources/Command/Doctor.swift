import ArgumentParser
import Foundation
import LockstepCommunication
import LockstepMPICommunication
import LockstepTraining

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows how this job would run: ranks, binding, threads, libraries, speeds.",
    discussion: "Start it as you would start a training: mpirun -np 4 lockstep doctor.")

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    Launch.run(over: .mpi) { communicator, launch in
      let diagnosis = try Diagnosis(communicator: communicator, launch: launch)
      try communicator.onRankZero { try StandardOutput.print(diagnosis, asJSON: json) }
      return .success
    }
  }
}
