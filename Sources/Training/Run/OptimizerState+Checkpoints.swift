import LockstepCommunication
import LockstepOptimization
import LockstepWeights

extension OptimizerState {
  /// Which rank holds what of it.
  var owners: ElementOwners {
    ElementOwners(parts.map { .init(owner: $0.rank, elements: $0.elements) })
  }

  /// The tensors as a checkpoint sees them.
  ///
  /// - Parameter values: The whole flat vector.
  func views(of values: UnsafePointer<Float>) -> [TensorView] {
    tensors.map {
      TensorView(
        name: $0.name, shape: $0.shape,
        values: UnsafeBufferPointer(
          start: values + $0.elements.lowerBound, count: $0.elements.count))
    }
  }

  /// Names and shapes as a checkpoint sees them.
  var layouts: [TensorLayout] { tensors.map { TensorLayout(name: $0.name, shape: $0.shape) } }

  /// Fills memory with elements of the flat vector from a checkpoint; zero between the tensors.
  ///
  /// - Parameters:
  ///   - elements: Which of the vector.
  ///   - entries: Of `tensors`, one after the other.
  ///   - destination: As many elements.
  func read(
    _ elements: Range<Int>, from reader: SafetensorsReader, _ entries: [SafetensorsEntry],
    into destination: UnsafeMutableBufferPointer<Float>
  ) {
    var filled = elements.lowerBound
    func fill(upTo end: Int) {
      destination[filled - elements.lowerBound..<end - elements.lowerBound].update(repeating: 0)
    }
    for (tensor, entry) in zip(tensors, entries) {
      let part = tensor.elements.clamped(to: elements)
      if part.isEmpty { continue }
      fill(upTo: part.lowerBound)
      let place =
        part.lowerBound - elements.lowerBound..<part.upperBound - elements.lowerBound
      let first = part.lowerBound - tensor.elements.lowerBound
      reader.read(
        entry, elements: first..<first + part.count,
        into: UnsafeMutableBufferPointer(rebasing: destination[place]))
      filled = part.upperBound
    }
    fill(upTo: elements.upperBound)
  }

  /// What a piece of the flat vector has of the tensors, in order, without the padding between.
  ///
  /// - Parameter start: The place of the piece's first element in the vector.
  func parts(
    of piece: UnsafeBufferPointer<Float>, from start: Int
  ) -> [UnsafeBufferPointer<Float>] {
    let elements = start..<start + piece.count
    return tensors.map { $0.elements.clamped(to: elements) }.filter { !$0.isEmpty }.map {
      UnsafeBufferPointer(rebasing: piece[$0.lowerBound - start..<$0.upperBound - start])
    }
  }
}
