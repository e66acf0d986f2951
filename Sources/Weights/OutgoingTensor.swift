import LockstepFiles

/// A tensor to be written to a file of another program.
public struct OutgoingTensor {
  /// The tensor's name in the file.
  public let name: String
  /// The model's, whatever the order in the file.
  public let values: TensorView
  public let order: StoredOrder
  public let type: StorageType

  /// - Precondition: The order suits the shape, and blocks of the type divide the rows in the file.
  public init(
    _ name: String, _ values: TensorView, order: StoredOrder = .same, type: StorageType
  ) {
    precondition(order.suits(values.shape), "\(name) has shape \(values.shape)")
    self.name = name
    self.values = values
    self.order = order
    self.type = type
    precondition(
      (shape.last ?? 1).isMultiple(of: type.ggufType.blockElements) || values.values.isEmpty,
      "\(type) does not divide the rows of \(name), \(shape)")
  }

  /// The tensor's shape in the file.
  public var shape: [Int] { order.shape(of: values.shape) }

  var byteCount: Int { type.byteCount(of: values.values.count) }

  /// Elements at a time: a multiple of every block.
  private static let chunk = 1 << 16

  /// Hands out the bytes, some at a time.
  ///
  /// - Throws: `WeightError.notStorable` where the type does not have a number; what `body` throws.
  func forEachBytes(
    _ body: (UnsafeRawBufferPointer) throws(FileError) -> Void
  ) throws(WeightError) {
    let elements = values.values
    guard let start = elements.baseAddress else { return }
    let arranged = UnsafeMutableBufferPointer<Float>.allocate(
      capacity: order == .same ? 0 : elements.count)
    defer { arranged.deallocate() }
    var source = start
    if order != .same, let place = arranged.baseAddress {
      order.arrange(start, shape: values.shape, into: place, .toFile)
      source = UnsafePointer(place)
    }
    let buffer = UnsafeMutableRawBufferPointer.allocate(
      byteCount: type.byteCount(of: Self.chunk), alignment: 16)
    defer { buffer.deallocate() }
    for offset in stride(from: 0, to: elements.count, by: Self.chunk) {
      let count = min(Self.chunk, elements.count - offset)
      let bytes = UnsafeMutableRawBufferPointer(rebasing: buffer[..<type.byteCount(of: count)])
      let part = UnsafeBufferPointer(start: source + offset, count: count)
      if let wrong = type.encode(part, into: bytes) {
        throw .notStorable(tensor: name, value: part[wrong], type: type.rawValue)
      }
      try onDisk { () throws(FileError) in try body(UnsafeRawBufferPointer(bytes)) }
    }
  }
}
