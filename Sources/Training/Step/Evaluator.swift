import Communication
import Foundation
import Tensors

/// Measures a loss on held-out batches, shared out over all ranks.
///
/// Every batch's loss reaches every rank, and all add them up in the order of the batches: the
/// result does not depend on the number of ranks.
public struct Evaluator {
  private let communicator: any Communicator
  private let workspace: Workspace

  public init(communicator: any Communicator, workspace: Workspace) {
    self.communicator = communicator
    self.workspace = workspace
  }

  /// The mean loss of batches 0 ..< count. Collective.
  ///
  /// - Parameters:
  ///   - count: How many batches.
  ///   - loss: The loss of one batch; nothing is recorded and dropout is off.
  public func run(count: Int, _ loss: (Int) throws -> BatchLoss) throws -> EvaluationResult {
    let wasTraining = workspace.isTraining
    workspace.isTraining = false
    defer { workspace.isTraining = wasTraining }
    let (rank, size) = (communicator.rank, communicator.size)
    let mine = rank * count / size..<(rank + 1) * count / size
    // As many numbers from every rank as the largest share has.
    var measured = [Double](repeating: 0, count: 3 * ((count + size - 1) / size))
    try workspace.withoutRecording {
      for (place, batch) in mine.enumerated() {
        let result = try loss(batch)
        measured[3 * place] = Double(result.sum.item)
        measured[3 * place + 1] = Double(result.targetCount)
        measured[3 * place + 2] = Double(result.byteCount ?? 0)
      }
    }
    let gathered = try communicator.allGather(measured)
    var totals = EvaluationResult(lossSum: 0, targetCount: 0, byteCount: 0)
    for (rank, values) in gathered.enumerated() {
      for place in 0..<((rank + 1) * count / size - rank * count / size) {
        totals.lossSum += values[3 * place]
        totals.targetCount += Int(values[3 * place + 1])
        totals.byteCount += Int(values[3 * place + 2])
      }
    }
    return totals
  }
}

/// A loss on held-out data.
public struct EvaluationResult: Sendable, Equatable {
  /// Nats.
  public fileprivate(set) var lossSum: Double
  public fileprivate(set) var targetCount: Int
  /// Bytes of text that the targets stand for; 0 where that is not known.
  public fileprivate(set) var byteCount: Int

  /// Mean loss of a target, in nats.
  public var loss: Double { lossSum / Double(max(1, targetCount)) }
  /// e to the mean loss.
  public var perplexity: Double { exp(loss) }
  /// Bits per byte of text; nil where bytes are not known.
  public var bitsPerByte: Double? {
    byteCount == 0 ? nil : lossSum / (Double(byteCount) * 0.693_147_180_559_945_3)
  }
}
