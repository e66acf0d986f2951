import LockstepTensors
import TestSupport
import Testing

@Suite struct SpareMemoryTests {
  private static let attention = AttentionTests.Case(
    sequences: 2, queries: 70, keys: 131, heads: 4, keyHeads: 2, width: 8)

  /// Bits of the output and of all gradients, and the spare memory left between forward and backward.
  private static func run(
    mask: AttentionMask, dropout: Float = 0, in workspace: Workspace
  ) -> (bits: [UInt32], left: Int) {
    workspace.isTraining = true
    workspace.seekRandom(seed: 7, step: 0, microbatch: 0)
    let leaves = AttentionTests.inputs(attention).map {
      Leaf($0.elements, shape: $0.shape, in: workspace)
    }
    let output = AttentionTests.attend(
      attention, leaves.map(\.tensor), mask: mask, dropout: dropout)
    let left = workspace.spare.left
    (output * output).sum().backward()
    return (([output.elements] + leaves.map(\.gradient)).joined().map(\.bitPattern), left)
  }

  @Test(
    arguments: [
      .causal, .full, .ranges(KeyRangesTests.ranges(attention)),
    ] as [AttentionMask], [ProductFormat.float32, .bfloat16])
  func probabilitiesThatAreKeptAreThoseThatWouldBeComputedAgain(
    mask: AttentionMask, format: ProductFormat
  ) {
    let workspace = Workspace(format: format)
    let whole = workspace.spare.left
    let kept = Self.run(mask: mask, in: workspace)
    #expect(kept.left < whole)
    #expect(workspace.spare.left == whole)

    let taken = workspace.spare.elements([whole - 100], in: workspace)
    let again = Self.run(mask: mask, in: workspace)
    #expect(again.left == 100)
    #expect(again.bits == kept.bits)
    withExtendedLifetime(taken) {}
  }

  /// So many classes that the logits of all rows take more than 64 MiB and less than 128: see `LogitChunks`.
  @Test func whereAPartIsRecomputedTheRestSavesMemoryAndChangesNoBit() {
    let (rows, width, classes) = (400, 2, 60_000)
    func run(recomputes: Bool) -> (bits: [UInt32], bytes: Int) {
      let workspace = Workspace(format: .bfloat16)
      var generator = SeededGenerator(seed: 17)
      let x = Leaf(generator.normals(rows * width), shape: [rows, width], in: workspace)
      let weight = Leaf(generator.normals(classes * width), shape: [classes, width], in: workspace)
      let targets = generator.integers(rows, in: 0..<Int32(classes))
      let states = recomputes ? x.tensor.recomputing { $0 * $0 } : x.tensor * x.tensor
      let loss = states.linearCrossEntropy(
        weight: weight.tensor, targets: Indices(targets, shape: [rows]))
      loss.backward()
      let bits = ([[loss.item]] + [x, weight].map(\.gradient)).joined().map(\.bitPattern)
      return (bits, workspace.pool.allocatedBytes)
    }
    let (plain, saving) = (run(recomputes: false), run(recomputes: true))
    #expect(saving.bits == plain.bits)
    #expect(saving.bytes < plain.bytes - 30 << 20)

    // A pass that is not differentiated says it, too: that of a reference may come first.
    let workspace = Workspace()
    let whole = workspace.spare.left
    let x = Leaf([1], shape: [1], in: workspace).tensor
    _ = workspace.withoutRecording { x.recomputing { $0 * $0 } }
    #expect(Self.run(mask: .causal, in: workspace).left == whole)
  }

  @Test func whereBatchesHaveManyShapesNothingIsKept() {
    let workspace = Workspace()
    workspace.pool.sharesSizes = true
    let whole = workspace.spare.left
    #expect(Self.run(mask: .causal, in: workspace).left == whole)
  }

  @Test func whatIsDroppedIsNotKept() {
    let workspace = Workspace()
    let whole = workspace.spare.left
    #expect(Self.run(mask: .causal, dropout: 0.2, in: workspace).left == whole)
  }

  @Test(arguments: [false, true]) func nothingIsKeptWhereNothingIsDifferentiated(isRecording: Bool)
  {
    /// Bytes that attention takes, with or without memory to spare.
    func bytes(hasSpare: Bool) -> Int {
      let workspace = Workspace()
      let spare = workspace.spare
      let taken = hasSpare ? nil : spare.elements([spare.left], in: workspace)
      let before = workspace.pool.allocatedBytes
      let inputs = AttentionTests.inputs(Self.attention)
      // Either nothing needs a gradient, or nothing is recorded.
      if isRecording {
        let x = inputs.map { Tensor($0.elements, shape: $0.shape, in: workspace) }
        _ = AttentionTests.attend(Self.attention, x, mask: .causal)
      } else {
        let x = inputs.map { Leaf($0.elements, shape: $0.shape, in: workspace).tensor }
        workspace.withoutRecording {
          _ = AttentionTests.attend(Self.attention, x, mask: .causal)
        }
      }
      return withExtendedLifetime(taken) { workspace.pool.allocatedBytes - before }
    }
    #expect(bytes(hasSpare: true) == bytes(hasSpare: false))
  }
}
