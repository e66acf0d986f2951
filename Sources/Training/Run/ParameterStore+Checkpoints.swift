import Foundation
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepWeights

extension ParameterStore {
  /// Names and shapes, in the order of the entries.
  var layouts: [TensorLayout] {
    entries.map { TensorLayout(name: $0.name, shape: $0.shape.dimensions) }
  }

  /// The parameters as a checkpoint sees them.
  ///
  /// - Parameter values: The flat buffer of values, or any other buffer of the same layout.
  func views(of values: UnsafePointer<Float>) -> [TensorView] {
    entries.map { entry in
      TensorView(
        name: entry.name, shape: entry.shape.dimensions,
        values: UnsafeBufferPointer(
          start: values + entry.range.lowerBound, count: entry.range.count))
    }
  }

  /// Fills a flat buffer, tensor by tensor: beside it no more is in memory than a tied tensor's copy for
  /// each thread, where the source has one.
  ///
  /// - Parameters:
  ///   - source: Has a tensor for each parameter, and no other that matters.
  ///   - names: What its names mean. Default: parameters' own names.
  ///   - values: The flat buffer.
  ///   - threads: Share the tensors.
  /// - Throws: `WeightError` that names what does not belong together, before anything is read; or
  ///   the tensor that can not be read.
  func read(
    from source: any WeightSource, names: WeightNames = .own,
    into values: UnsafeMutablePointer<Float>, threads: ThreadPool
  ) throws(WeightError) {
    try read(
      WeightAssignment(of: layouts, from: source, names: names), from: source, into: values,
      threads: threads)
  }

  /// As `read(from:names:into:threads:)`, of tensors that are known to fit.
  func read(
    _ assignment: WeightAssignment, from source: any WeightSource,
    into values: UnsafeMutablePointer<Float>, threads: ThreadPool
  ) throws(WeightError) {
    try threads.attempt(tasks: assignment.pairs.count) { (index, _) throws(WeightError) in
      let pair = assignment.pairs[index]
      let entry = entries[pair.parameter]
      let place = UnsafeMutableBufferPointer(
        start: values + entry.range.lowerBound, count: entry.range.count)
      try source.read(pair.tensor, shape: entry.shape.dimensions, into: place)
      for copy in pair.copies {
        guard try source.holds(place, as: copy, shape: entry.shape.dimensions) else {
          throw .contradiction(
            path: source.path, parameter: entry.name, tensors: [pair.tensor, copy])
        }
      }
    }
  }
}

extension WeightSource {
  /// Whether a tensor's elements are these, bit by bit.
  fileprivate func holds(
    _ values: UnsafeMutableBufferPointer<Float>, as name: String, shape: [Int]
  ) throws(WeightError) -> Bool {
    let copy = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
    defer { copy.deallocate() }
    try read(name, shape: shape, into: copy)
    guard let ours = values.baseAddress, let theirs = copy.baseAddress else { return true }
    return memcmp(ours, theirs, values.count * MemoryLayout<Float>.stride) == 0
  }
}
