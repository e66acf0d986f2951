import LockstepDatasets
import LockstepReporting
import LockstepTensors

/// Which classes a model sorts the first held-out texts into.
struct ClassifiedSamples: SampleMaker {
  let task: TextClassificationTask
  let tokenizer: any Tokenizer
  let classes: [String]
  let count: Int

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    (0..<task.evaluationBatchCount).lazy.map { heldOut($0, in: workspace) }
      .prefix(collecting: count)
  }

  private func heldOut(_ index: Int, in workspace: Workspace) -> [SamplesRecord.Sample] {
    let (outputs, batch) = task.heldOutOutputs(batch: index, in: workspace)
    let elements = outputs.elements
    return batch.lengths.enumerated().map { row, length in
      let start = row * batch.positions
      return .init(
        kind: .input, input: tokenizer.line(of: Array(batch.tokens[start..<start + length])),
        text: classes[
          Array(elements[row * classes.count..<(row + 1) * classes.count]).indexOfLargest],
        reference: classes[Int(batch.classes[row])])
    }
  }
}
