// P parameters, K clients, L local steps, η their learning rate.

import CLockstepKernels
import LockstepCommunication
import LockstepOptimization
import LockstepParallelism

/// What SCAFFOLD remembers: c, and of each client cᵢ. Clients follow their gradient + c - cᵢ.
///
/// S. P. Karimireddy et al., "SCAFFOLD: Stochastic Controlled Averaging for Federated Learning", 2020, option II: after
/// a round, for its clients,
///
///     cᵢ⁺ = cᵢ + δᵢ,   δᵢ = (x - yᵢ) / (L η) - c,   c⁺ = c + 1/K Σ δᵢ
final class ControlVariates {
  /// c, on each host.
  private let shared: SharedParameters
  /// cᵢ of the clients that this rank keeps, and δᵢ of those that it has played in this round.
  private var kept: [Int: (control: Buffer, step: Buffer)] = [:]
  /// Σ δᵢ.
  private let sum: WordSum
  private let layout: ParameterLayout
  private let clients: FederatedClients
  private let communicator: any Communicator
  private let threads: ThreadPool
  private let memory: MemorySegment

  typealias Buffer = UnsafeMutableBufferPointer<Float>

  /// Collective.
  ///
  /// - Throws: `CommunicationError.sharedMemory` when the host has too little memory.
  init(
    layout: ParameterLayout, clients: FederatedClients, threads: ThreadPool,
    communicator: any Communicator
  ) throws {
    (self.layout, self.clients, self.threads) = (layout, clients, threads)
    self.communicator = communicator
    let count = layout.elementCount
    shared = try SharedParameters(communicator: communicator, elementCount: count)
    sum = try WordSum(communicator: communicator, elementCount: count, pool: threads)
    let own = (0..<clients.count).filter {
      clients.keeper(of: $0, ranks: communicator.size) == communicator.rank
    }
    memory = try MemorySegment(
      privateByteCount: own.count * 2 * count * MemoryLayout<Float>.stride,
      rank: communicator.rank)
    let floats = memory.bytes.bindMemory(to: Float.self)
    for (place, client) in own.enumerated() {
      let buffers = (0..<2).map { part in
        let start = (2 * place + part) * count
        return Buffer(rebasing: floats[start..<start + count])
      }
      kept[client] = (buffers[0], buffers[1])
    }
  }

  /// Begins a round.
  func begin() { sum.words.update(repeating: 0) }

  /// What is added to a client's gradients.
  func correction(of client: Int) -> any GradientCorrection {
    Correction(own: buffers(of: client).control, all: shared.trained, threads: threads)
  }

  /// Takes in what a client has come to, and adds it to this rank's sum.
  ///
  /// - Parameters:
  ///   - change: x - yᵢ.
  ///   - distance: L η; 0: the client has not moved, which says nothing of its gradient, and cᵢ stays as it is.
  func record(_ client: Int, change: Buffer, distance: Double) {
    guard let change = change.baseAddress, let step = buffers(of: client).step.baseAddress,
      let all = shared.trained.baseAddress, let words = sum.words.baseAddress
    else { return }
    let factor = Float(1 / distance)
    guard factor.isFinite else {
      step.update(repeating: 0, count: layout.elementCount)
      return
    }
    threads.run(over: layout.elementCount, grain: Self.grain) { part in
      for element in part { step[element] = change[element] * factor - all[element] }
      CKernels_addFixedPoint(
        step + part.lowerBound, 1, words + part.lowerBound, Int64(part.count))
    }
  }

  /// Moves c and all cᵢ, when all ranks know who remains of a round. Collective.
  ///
  /// - Parameter own: The clients that this rank has played.
  func finish(_ own: [Int]) throws {
    for client in own {
      guard let control = buffers(of: client).control.baseAddress,
        let step = buffers(of: client).step.baseAddress
      else { continue }
      threads.run(over: layout.elementCount, grain: Self.grain) { part in
        for element in part { control[element] += step[element] }
      }
    }
    let slice = layout.slice
    let total = try sum.reduce()
    let share = 1 / Double(clients.count)
    for (place, element) in slice.enumerated() {
      let step = Double(Int64(bitPattern: total[place])) * 0x1p-32 * share
      shared.trained[element] = Float(Double(shared.trained[element]) + step)
    }
    try shared.share()
  }

  private func buffers(of client: Int) -> (control: Buffer, step: Buffer) {
    guard let own = kept[client] else {
      preconditionFailure("client \(client) is kept by another rank")
    }
    return own
  }

  // MARK: Checkpoints

  var states: [OptimizerState] {
    let all = layout.state("control", values: Buffer(rebasing: shared.trained[layout.slice]))
    let clients = (0..<clients.count).map { client in
      OptimizerState(
        all.outline.named("client_\(client)", ranksFrom: 0)
          .held(by: self.clients.keeper(of: client, ranks: communicator.size)),
        values: kept[client]?.control ?? Buffer(start: nil, count: 0))
    }
    return [OptimizerState(all.outline.named("server", ranksFrom: 0), values: all.values)] + clients
  }

  /// When the states are filled, c is known to its owners alone. Collective.
  func share() throws { try shared.share() }

  private struct Correction: GradientCorrection {
    let own: Buffer
    let all: Buffer
    let threads: ThreadPool

    func apply(to gradient: Buffer, parameters: Buffer, scale: Float) {
      guard let gradient = gradient.baseAddress, let own = own.baseAddress,
        let all = all.baseAddress
      else { return }
      threads.run(over: self.own.count, grain: ControlVariates.grain) { part in
        for element in part { gradient[element] += scale * (all[element] - own[element]) }
      }
    }
  }

  private static let grain = 1 << 16
}

/// The gradient of FedProx's term, μ (y - x): T. Li et al., "Federated Optimization in Heterogeneous Networks", 2020.
struct ProximalCorrection: GradientCorrection {
  /// μ.
  let mu: Float
  /// x.
  let start: UnsafeMutableBufferPointer<Float>
  let threads: ThreadPool

  func apply(
    to gradient: UnsafeMutableBufferPointer<Float>,
    parameters: UnsafeMutableBufferPointer<Float>, scale: Float
  ) {
    guard let gradient = gradient.baseAddress, let start = start.baseAddress,
      let parameters = parameters.baseAddress
    else { return }
    let factor = scale * mu
    threads.run(over: self.start.count, grain: 1 << 16) { part in
      for element in part {
        gradient[element] += factor * (parameters[element] - start[element])
      }
    }
  }
}
