import Foundation
import LockstepCommunication
import LockstepModels
import LockstepTensors
import LockstepTraining
import Testing

/// `products: openblas`, the plain version beside Lockstep's kernels.
@Suite struct ProductMethodTests {
  private func train(_ method: ProductMethod) throws -> (loss: Double, hash: String) {
    var plan = Plan.regression(steps: 12)
    plan.products = method
    let trainer = try Trainer(
      task: LinearRegression(), plan: plan, communicator: SoloCommunicator(), observers: [])
    #expect(
      trainer.replica.workspace.products.library == (method == .openBLAS ? .openBLAS : .canonical))
    _ = try trainer.run()
    return (try #require(trainer.lastLoss), trainer.parametersHash)
  }

  @Test func bothLearnTheSameButForRounding() throws {
    let (own, other) = (try train(.canonical), try train(.openBLAS))
    #expect(abs(own.loss - other.loss) <= 1e-3 * own.loss)
  }

  @Test func thePlanDecidesThePrecisionInAWorkspaceOfOnesOwn() throws {
    func hash(_ precision: Precision, in workspace: Workspace?) throws -> String {
      var plan = Plan.regression(steps: 3)
      plan.precision = precision
      let trainer = try Trainer(
        task: LinearRegression(), plan: plan, communicator: SoloCommunicator(),
        workspace: workspace, observers: [])
      _ = try trainer.run()
      return trainer.parametersHash
    }
    let (rounded, whole) = (try hash(.bfloat16, in: nil), try hash(.float32, in: nil))
    #expect(rounded != whole)
    #expect(try hash(.bfloat16, in: Workspace()) == rounded)
    #expect(try hash(.float32, in: Workspace(format: .bfloat16)) == whole)
  }

  @Test func aModelOfRoundedProductsIsNotOpenedBesideOpenBLAS() throws {
    let folder = try TemporaryFolder()
    try (0..<40).map { "\($0),\($0 % 7)\n" }.reduce("x,y\n", +)
      .write(toFile: folder.path + "/train.csv", atomically: true, encoding: .utf8)
    let configuration = try RunConfiguration.parse(
      yaml: """
        task: regression
        data: {format: csv, train: \(folder.path)/train.csv, target: y, validation: null}
        model: {architecture: linear}
        batch: {sequences: 4, microbatches: 2}
        steps: 2
        precision: bfloat16
        schedule: {name: constant}
        evaluate: {every: 0}
        """, source: "test")
    _ = try folder.train(configuration, in: "run")
    let workspace = Workspace(library: .openBLAS)
    let path = folder.path + "/run"
    #expect(throws: LoadingError.otherProducts(path: path, precision: .bfloat16)) {
      try TrainedModel.open(path, in: workspace)
    }
    #expect(try TrainedModel.open(path, in: workspace, precision: .float32).step == 2)
    #expect(try TrainedModel.open(path, in: Workspace()).workspace.products.format == .bfloat16)
  }

  @Test func theMethodDecidesTheResult() throws {
    let key = try #require(RunConfiguration.keyDescriptions.first { $0.key == "products" })
    #expect(key.decidesResult)
    let configuration = try RunConfiguration.parse(
      yaml: "products: openblas\nmodel: {vocabulary: 5}\ndata: {train: a.bin, tokenizer: null}",
      source: "test")
    #expect(configuration.plan.products == .openBLAS)
  }
}
