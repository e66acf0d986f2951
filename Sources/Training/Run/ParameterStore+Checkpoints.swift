import Foundation
import LockstepCheckpoints
import LockstepNeuralNetworks
import LockstepParallelism
import LockstepWeights

extension ParameterStore {
  /// Names and shapes, in the order of the entries.
  var layouts: [TensorLayout] { entries.map(\.layout) }

  /// The parameters as a checkpoint sees them.
  ///
  /// - Parameters:
  ///   - values: The flat buffer of values, or any other buffer of the same layout.
  ///   - isMeant: Which of them. Default: all.
  func views(
    of values: UnsafePointer<Float>, where isMeant: (Entry) -> Bool = { _ in true }
  ) -> [TensorView] {
    entries.filter(isMeant).map { entry in
      TensorView(
        name: entry.name, shape: entry.shape.dimensions,
        values: UnsafeBufferPointer(
          start: values + entry.range.lowerBound, count: entry.range.count))
    }
  }

  /// Whether an adapter is trained, and a checkpoint holds nothing else.
  var isAdapted: Bool { entries.contains(where: \.isOfAdapter) }

  /// The file that a checkpoint has them in.
  var savedFile: Checkpoint.ParametersFile { isAdapted ? .adapter : .model }

  /// What a checkpoint holds of the parameters: all, or an adapter under `peft`'s names.
  func savedViews(of values: UnsafePointer<Float>) -> [TensorView] {
    guard isAdapted else { return views(of: values) }
    return views(of: values, where: \.isOfAdapter).map {
      TensorView(
        name: PeftFormat.name(ofParameter: $0.name), shape: $0.shape, values: $0.values)
    }
  }

  /// Fills what a checkpoint holds.
  ///
  /// - Throws: As `read(from:names:into:where:threads:)`.
  func readSaved(
    from source: any WeightSource, into values: UnsafeMutablePointer<Float>, threads: ThreadPool
  ) throws(WeightError) {
    if isAdapted {
      try read(
        from: source, names: PeftFormat.names(of: .own), into: values, where: \.isOfAdapter,
        threads: threads)
    } else {
      try read(from: source, into: values, threads: threads)
    }
  }

  /// Fills a flat buffer, tensor by tensor: beside it no more is in memory than a tied tensor's copy for
  /// each thread, where the source has one.
  ///
  /// - Parameters:
  ///   - source: Has a tensor for each parameter, and no other that matters.
  ///   - names: What its names mean. Default: parameters' own names.
  ///   - values: The flat buffer.
  ///   - isMeant: Which parameters the source is of. Default: all.
  ///   - threads: Share the tensors.
  /// - Throws: `WeightError` that names what does not belong together, before anything is read; or
  ///   the tensor that can not be read.
  func read(
    from source: any WeightSource, names: WeightNames = .own,
    into values: UnsafeMutablePointer<Float>, where isMeant: (Entry) -> Bool = { _ in true },
    threads: ThreadPool
  ) throws(WeightError) {
    let entries = entries.filter(isMeant)
    let assignment = try WeightAssignment(
      of: entries.map(\.layout), from: source, names: names)
    try read(entries, assignment, from: source, into: values, threads: threads)
  }

  /// As `read(from:names:into:where:threads:)`, of tensors that are known to fit.
  ///
  /// - Parameter entries: Those that the assignment speaks of.
  func read(
    _ entries: [Entry], _ assignment: WeightAssignment, from source: any WeightSource,
    into values: UnsafeMutablePointer<Float>, threads: ThreadPool
  ) throws(WeightError) {
    try threads.attempt(tasks: assignment.pairs.count) { (index, _) throws(WeightError) in
      let pair = assignment.pairs[index]
      let entry = entries[pair.parameter]
      let place = UnsafeMutableBufferPointer(
        start: values + entry.range.lowerBound, count: entry.range.count)
      if let form = entry.form {
        try source.read(pair.tensor, shape: entry.shape.dimensions, as: form, into: place)
      } else {
        try source.read(pair.tensor, shape: entry.shape.dimensions, into: place)
      }
      for copy in pair.copies {
        let isSame =
          if entry.form == nil {
            try source.holds(place, as: copy, shape: entry.shape.dimensions)
          } else {
            try source.holds(pair.tensor, as: copy, shape: entry.shape.dimensions)
          }
        guard isSame else {
          throw .contradiction(
            path: source.path, parameter: entry.name, tensors: [pair.tensor, copy])
        }
      }
    }
  }
}

extension ParameterStore.Entry {
  /// Name and shape, as files have them.
  var layout: TensorLayout { TensorLayout(name: name, shape: shape.dimensions) }
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

  /// Whether two tensors have the same elements, bit by bit.
  fileprivate func holds(
    _ name: String, as other: String, shape: [Int]
  ) throws(WeightError) -> Bool {
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: shape.reduce(1, *))
    defer { values.deallocate() }
    try read(name, shape: shape, into: values)
    return try holds(values, as: other, shape: shape)
  }
}
