import LockstepTensors
import TestSupport
import Testing

@Suite struct BufferPoolTests {
  @Test func memoryIsUsedAgainOnceItsTensorIsGone() {
    let workspace = Workspace()
    for _ in 0..<10 { _ = Tensor(repeating: 1, shape: [100], in: workspace) }
    #expect(workspace.pool.allocationCount == 1)
    #expect(workspace.pool.lentCount == 0)
    let kept = (0..<3).map { _ in Tensor(repeating: 1, shape: [100], in: workspace) }
    #expect(workspace.pool.allocationCount == 3)
    #expect(workspace.pool.lentCount == kept.count)
  }

  @Test func trimGivesUnusedMemoryBack() {
    let workspace = Workspace()
    let kept = Tensor(repeating: 2, shape: [64], in: workspace)
    _ = Tensor(repeating: 1, shape: [1000], in: workspace)
    #expect(workspace.pool.allocatedBytes == 4 * (64 + 1008))
    workspace.pool.trim()
    #expect(workspace.pool.allocatedBytes == 4 * 64)
    #expect(kept.elements.allSatisfy { $0 == 2 })
  }

  @Test func sizesThatAreSharedTakeTheMemoryOfTheLargest() {
    let workspace = Workspace()
    let pool = workspace.pool
    pool.sharesSizes = true
    func use(_ count: Int) { _ = Tensor(repeating: 1, shape: [count], in: workspace) }
    use(64)
    use(640)
    #expect(pool.allocatedBytes == 4 * 640)
    use(80)
    #expect(pool.allocatedBytes == 4 * 640)
    // 640 is more than eight times 64; nothing smaller is free.
    use(64)
    #expect(pool.allocatedBytes == 4 * (640 + 64))
    let kept = Tensor(repeating: 1, shape: [640], in: workspace)
    use(320)
    #expect(pool.allocatedBytes == 4 * (640 + 320))
    #expect(kept.elements.allSatisfy { $0 == 1 })
  }

  @Test func tensorsOutliveTheirWorkspace() {
    let tensor = Tensor(repeating: 3, shape: [5], in: Workspace())
    #expect(tensor.elements == [3, 3, 3, 3, 3])
  }

  @Test func aWorkspaceIsFreedWithItsLastTensor() {
    weak var weakWorkspace: Workspace?
    do {
      let workspace = Workspace(threadCount: 2)
      weakWorkspace = workspace
      let x = Leaf([1, 2, 3, 4], shape: [1, 1, 4], in: workspace)
      let heads = Heads(x.tensor, count: 2, width: 2)
      let turned = heads.rotated(by: RotaryFrequencies(headWidth: 2))
      let loss = turned.attend(keys: turned, values: heads).activated(by: .gelu)
        .layerNorm(
          weight: Tensor(repeating: 1, shape: [4], in: workspace),
          bias: Tensor(repeating: 0, shape: [4], in: workspace)
        ).observed(as: "x").dropout(0.5).reshaped(to: [4]).sum()
      _ = loss  // never walked
    }
    #expect(weakWorkspace == nil)
  }
}
