/// A source whose tensors have other names and another order of elements in its file than the model's
/// parameters.
public struct RenamedWeights: WeightSource {
  /// What a tensor of the file is.
  public struct Meaning: Equatable, Sendable {
    /// The parameter's name.
    public let name: String
    public let order: StoredOrder

    public init(_ name: String, order: StoredOrder = .same) {
      self.name = name
      self.order = order
    }
  }

  public let tensors: [StoredTensor]
  private let source: any WeightSource
  /// The file's tensors, by the names that they have here.
  private let places: [String: (stored: String, order: StoredOrder)]

  /// - Parameters:
  ///   - source: The file.
  ///   - leavingOut: Names in the file of tensors that have been read otherwise.
  ///   - meaning: Of a name in the file; nil: it keeps its name, and nobody will know it.
  public init(
    _ source: any WeightSource, leavingOut: Set<String> = [], meaning: (String) -> Meaning?
  ) {
    self.source = source
    var places: [String: (stored: String, order: StoredOrder)] = [:]
    var tensors: [StoredTensor] = []
    for tensor in source.tensors where !leavingOut.contains(tensor.name) {
      let meant = meaning(tensor.name) ?? Meaning(tensor.name)
      // A tensor that can not be ordered so has another shape than the model's, which is found out later.
      let isOrdered = meant.order.suits(meant.order.shape(of: tensor.shape))
      var (name, stored) = (meant.name, isOrdered ? meant.order : .same)
      // What is meant twice has a name that nobody knows, and so is told.
      while places[name] != nil { (name, stored) = (name + " again", .same) }
      places[name] = (tensor.name, stored)
      tensors.append(
        StoredTensor(
          name: name, shape: stored.shape(of: tensor.shape), encoding: tensor.encoding))
    }
    self.places = places
    self.tensors = tensors
  }

  public var path: String { source.path }

  public func read(
    _ name: String, shape: [Int], into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    let (stored, order) = try place(of: name, shape: shape)
    guard order != .same else { return try source.read(stored, shape: shape, into: destination) }
    let whole = UnsafeMutableBufferPointer<Float>.allocate(capacity: destination.count)
    defer { whole.deallocate() }
    try source.read(stored, shape: order.shape(of: shape), into: whole)
    guard let start = whole.baseAddress, let target = destination.baseAddress else { return }
    order.arrange(start, shape: shape, into: target, .toModel)
  }

  public func read(
    _ name: String, shape: [Int], elements: Range<Int>,
    into destination: UnsafeMutableBufferPointer<Float>
  ) throws(WeightError) {
    let (stored, order) = try place(of: name, shape: shape)
    guard order != .same else {
      return try source.read(stored, shape: shape, elements: elements, into: destination)
    }
    let whole = UnsafeMutableBufferPointer<Float>.allocate(capacity: shape.reduce(1, *))
    defer { whole.deallocate() }
    try read(name, shape: shape, into: whole)
    guard let start = whole.baseAddress else { return }
    destination.baseAddress?.update(from: start + elements.lowerBound, count: elements.count)
  }

  private func place(
    of name: String, shape: [Int]
  ) throws(WeightError) -> (stored: String, order: StoredOrder) {
    guard let place = places[name] else { throw .tensorMissing(path: path, tensor: name) }
    guard place.order.suits(shape) else {
      throw .wrongShape(path: path, tensor: name, expected: shape, found: [])
    }
    return place
  }
}
