import Files
import Foundation
import Lockstep
import Models
import Settings
import Tensors
import Training
import Weights

/// y = 2 x + 1, learned from a table. What computes with the model afterwards holds the model alone:
/// its trainer, its loader and their workspaces are gone.
struct Line: Predictor {
  let linear = Linear(inputs: 1, outputs: 1, initializer: .zeros)

  /// - Parameter samples: Of mean 0 and deviation 1, [B, 1].
  /// - Returns: [B, 1].
  func outputs(of samples: Tensor) -> Tensor { linear(samples) }
}

@main
enum Guest {
  static func main() {
    let names = [
      GuestFiles().name, GuestModels().name, GuestSettings().name, GuestTensors().name,
      GuestTraining().name, GuestWeights().name,
    ]
    print("modules", names.joined(separator: " "))
    Launch.run { communicator, _ in
      let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(at: folder) }
      let table = folder.appending(path: "line.csv").path
      try ("x,y\n" + (-8...8).map { "\($0),\(2 * $0 + 1)\n" }.joined())
        .write(toFile: table, atomically: true, encoding: .utf8)

      print("line", read(try trained(on: table, communicator: communicator).linear))
      if let path = CommandLine.arguments.dropFirst().first {
        print("opened", try sum(of: opened(path).module))
        print("asked", try answer(to: "hello", by: path))
      }
      print("key", problem(withKeyAt: folder.appending(path: "none").path))
      return .success
    }
  }

  private static func trained(on table: String, communicator: any Communicator) throws -> Line {
    var configuration = TableDataConfiguration()
    configuration.train = table
    configuration.validation = table
    configuration.target = "y"
    var plan = Plan()
    plan.batch.sequences = 17
    plan.batch.microbatches = 1
    plan.steps = 200
    plan.optimizer.method = .sgd(SGD())
    plan.optimizer.learningRate = 0.1
    plan.optimizer.clipNorm = 0
    plan.schedule.shape = .constant
    let data = try SampleData(.values(configuration), plan: plan, communicator: communicator)
    let line = Line()
    _ = try Trainer(
      task: data.task(of: line, plan: plan), plan: plan, communicator: communicator, observers: []
    ).run()
    return line
  }

  private static func opened(_ path: String) throws -> TrainedModel.Network {
    try TrainedModel.open(path, in: Workspace()).model
  }

  /// What a model answers, or why it can not.
  private static func answer(to question: String, by path: String) throws -> String {
    let template = try ChatTemplate("{{ messages[0].content }}", name: "guest")
    do {
      let session = try ChatSession(
        TrainedModel.open(path, in: Workspace()), template: template,
        context: ChatTemplate.Context(), sampling: SamplingOptions(), maxTokens: 8)
      _ = try session.answer(to: question)
      return session.messages.map { (message: ChatMessage) in message.content }.joined()
    } catch let error as LoadingError {
      return error.description
    }
  }

  /// Why encrypted files can not be read with a key that is nowhere.
  private static func problem(withKeyAt path: String) -> String {
    do throws(KeyError) {
      try FileKey.use(.file(path))
    } catch .file(let error) {
      return reason(of: error)
    } catch {
      return "another"
    }
    return "none"
  }

  private static func reason(of error: FileError) -> String { error.reason }

  private static func read(_ layer: Linear) -> String {
    let slope = layer.weight.tensor.item
    let constant = layer.bias?.tensor.item ?? .nan
    return "\(slope.formatted(.number.precision(.fractionLength(3)))) "
      + constant.formatted(.number.precision(.fractionLength(3)))
  }

  /// Of all parameters, so that each is read.
  private static func sum(of module: any Module) -> Float {
    module.namedParameters.reduce(0) { $0 + $1.parameter.tensor.elements.reduce(0, +) }
  }
}
