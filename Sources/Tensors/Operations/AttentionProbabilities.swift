// B sequences, T queries, S keys, H heads, K head width.

/// Looks at attention, too.
public protocol AttentionObserver: ActivationObserver {
  /// Called in the forward pass with what each query gives to each key, dropout left out; the output
  /// of the layer that attends is shown by its name afterwards.
  ///
  /// - Parameter probabilities: [B, H, T, S]; each row sums to 1.
  func attention(_ probabilities: Tensor)
}

extension Heads {
  /// What each query gives to each key, softmax(Q Kᵀ / √K) where the mask lets it see; nothing is
  /// recorded or observed.
  ///
  /// Attention gives sums of values with these weights: columns of the identity for values give
  /// columns of the weights. So masks and the order of sums are those of attention itself.
  ///
  /// - Parameters:
  ///   - keys: Heads over [B, S, ...].
  ///   - attend: Attention of these queries and keys to values that have the keys' layout.
  /// - Returns: [B, H, T, S].
  func probabilities(keys: Heads, attend: (_ values: Heads) -> Tensor) -> Tensor {
    let workspace = tensor.workspace
    let observer = workspace.observer
    workspace.observer = nil
    defer { workspace.observer = observer }
    let columns = keys.count * keys.width
    let result = Tensor(
      uninitialized: [sequences, count, positions, keys.positions], in: workspace)
    for start in stride(from: 0, to: keys.positions, by: width) {
      let held = min(width, keys.positions - start)
      let identity = Tensor(
        repeating: 0, shape: [sequences, keys.positions, columns], in: workspace)
      for sequence in 0..<sequences {
        for key in 0..<held {
          let row = identity.pointer + (sequence * keys.positions + start + key) * columns
          for head in 0..<keys.count { row[head * width + key] = 1 }
        }
      }
      let attended = workspace.withoutRecording {
        attend(Heads(identity, count: keys.count, width: width))  // [B, T, H · K]
      }
      for row in 0..<sequences * positions {
        let (sequence, query) = (row / positions, row % positions)
        for head in 0..<count {
          let place = ((sequence * count + head) * positions + query) * keys.positions + start
          (result.pointer + place).update(
            from: attended.pointer + (row * count + head) * width, count: held)
        }
      }
    }
    return result
  }
}
