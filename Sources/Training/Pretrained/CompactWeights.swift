import LockstepNeuralNetworks
import LockstepTensors
import LockstepWeights

extension CompactForm {
  /// The same of files.
  private var storageType: StorageType {
    switch self {
    case .bfloat16: .bfloat16
    case .q8x0: .q8x0
    }
  }

  /// Rounds elements to what is kept of them.
  ///
  /// - Parameters:
  ///   - values: Of whole rows.
  ///   - bytes: As many as they take.
  /// - Returns: The first element that this form does not have; nil: all have their place.
  fileprivate func encode(
    _ values: UnsafeBufferPointer<Float>, into bytes: UnsafeMutableRawBufferPointer
  ) -> Int? {
    if let wrong = storageType.encode(values, into: bytes) { return wrong }
    guard self == .bfloat16 else { return nil }
    // Products in bfloat16 take numbers below the normal ones for zeros: so does everything else then.
    for index in values.indices {
      let bits = bytes.load(fromByteOffset: 2 * index, as: UInt16.self)
      if bits & 0x7F80 == 0 {
        bytes.storeBytes(of: bits & 0x8000, toByteOffset: 2 * index, as: UInt16.self)
      }
    }
    return nil
  }
}

extension WeightSource {
  /// Elements that are decoded at a time: beside what is kept there is never a whole model in floats.
  private static var chunk: Int { 1 << 22 }

  /// Copies a tensor's elements, rounded to what is kept of them.
  ///
  /// - Parameters:
  ///   - name: One of `tensors`.
  ///   - shape: [rows, columns], of rows that can be kept so.
  ///   - form: How they are kept.
  ///   - destination: The floats whose memory they get.
  /// - Throws: As `read(_:shape:into:)`; `WeightError.notStorable`.
  func read(
    _ name: String, shape: [Int], as form: CompactForm,
    into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    let (count, width) = (shape.reduce(1, *), max(1, shape.last ?? 1))
    let height = max(1, Self.chunk / width)
    let floats = UnsafeMutableBufferPointer<Float>.allocate(capacity: min(count, height * width))
    defer { floats.deallocate() }
    let bytes = UnsafeMutableRawBufferPointer(destination)
    var place = 0
    for start in stride(from: 0, to: count, by: height * width) {
      let elements = start..<min(start + height * width, count)
      let found = UnsafeMutableBufferPointer(rebasing: floats[..<elements.count])
      try read(name, shape: shape, elements: elements, into: found)
      guard let size = form.byteCount(of: [elements.count / width, width]) else {
        preconditionFailure("rows of \(width) can not be kept as \(form)")
      }
      let target = UnsafeMutableRawBufferPointer(rebasing: bytes[place..<place + size])
      if let wrong = form.encode(UnsafeBufferPointer(found), into: target) {
        throw .notStorable(tensor: name, value: found[wrong], type: form.name)
      }
      place += size
    }
  }
}

extension ParameterStore {
  /// Rounds floats to what they are in a run that keeps compactly what it does not train.
  ///
  /// - Parameter values: The flat buffer of values.
  /// - Throws: `WeightError.notStorable`.
  func roundFrozen(
    _ values: UnsafeMutablePointer<Float>, to form: CompactForm
  ) throws(WeightError) {
    for entry in entries where entry.canBeKept(as: form) {
      let floats = UnsafeMutableBufferPointer(
        start: values + entry.range.lowerBound, count: entry.shape.count)
      let compact = UnsafeMutableBufferPointer<Float>.allocate(
        capacity: form.floatCount(of: entry.shape) ?? 0)
      defer { compact.deallocate() }
      let bytes = UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(compact)[..<(form.byteCount(of: entry.shape) ?? 0)])
      if let wrong = form.encode(UnsafeBufferPointer(floats), into: bytes) {
        throw .notStorable(tensor: entry.name, value: floats[wrong], type: form.name)
      }
      guard let source = compact.baseAddress, let target = floats.baseAddress else { continue }
      form.decode(source, 0..<entry.shape.count, into: target)
    }
  }
}

extension CompactForm {
  /// As `model.weights` calls it.
  fileprivate var name: String { storageType.rawValue }
}
