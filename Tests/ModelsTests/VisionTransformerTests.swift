import LockstepModels
import LockstepNeuralNetworks
import LockstepTensors
import TestSupport
import Testing

@Suite struct VisionTransformerTests {
  @Test func recomputationChangesNoBitAndKeepsLess() {
    var generator = SeededGenerator(seed: 4)
    let pixels = generator.normals(5 * 8 * 12)
    func run(recompute: Bool) -> (bits: [UInt32], bytes: Int) {
      var configuration = VisionTransformerConfiguration()
      (configuration.layers, configuration.heads, configuration.width) = (6, 3, 12)
      (configuration.patch, configuration.dropout) = (2, 0.2)
      configuration.recompute = recompute
      let bound = BoundModel(
        VisionTransformer(configuration, sampleShape: [8, 12], outputs: 3), threads: 2)
      bound.workspace.isTraining = true
      bound.workspace.seekRandom(seed: 5, step: 1, microbatch: 2)
      let samples = Tensor(pixels, shape: [5, 8, 12], in: bound.workspace)
      let loss = bound.withGradient {
        let outputs = bound.model.outputs(of: samples)  // [5, 3]
        return (outputs * outputs).sum()
      }
      return (
        [loss.bitPattern] + bound.gradient.map(\.bitPattern), bound.workspace.pool.allocatedBytes
      )
    }
    let (plain, recomputed) = (run(recompute: false), run(recompute: true))
    #expect(plain.bits.contains { $0 != 0 })
    #expect(zip(plain.bits, recomputed.bits).count { $0 != $1 } == 0)
    #expect(recomputed.bytes < plain.bytes * 2 / 3)
  }
}
