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

  @Test func theMethodDecidesTheResult() throws {
    let key = try #require(RunConfiguration.keyDescriptions.first { $0.key == "products" })
    #expect(key.decidesResult)
    let configuration = try RunConfiguration.parse(
      yaml: "products: openblas\nmodel: {vocabulary: 5}\ndata: {train: a.bin, tokenizer: null}",
      source: "test")
    #expect(configuration.plan.products == .openBLAS)
  }
}
