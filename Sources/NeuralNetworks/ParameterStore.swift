import LockstepTensors

/// The parameters of a model as views into one flat buffer of values and one of gradients.
///
/// Optimisers, reductions and checkpoints see flat spans and this table of names, shapes and
/// ranges; none of them knows the model. Each parameter starts at a multiple of 16 floats (a cache
/// line); the padding between them is zero and stays zero.
public final class ParameterStore {
  /// One parameter's place in the flat buffers.
  public struct Entry {
    /// The path of property names, as in checkpoints.
    public let name: String
    public let shape: Shape
    /// The elements in the flat buffers.
    public let range: Range<Int>
    /// Whether weight decay applies.
    public let decays: Bool
    /// Whether training changes it.
    public let isTrained: Bool

    /// Inputs and outputs, as initialisers count them.
    public var fans: (inputs: Int, outputs: Int) { parameter.fans }

    /// Rows of the parameter as a matrix: its first extent.
    public var rowCount: Int { shape.dimensions.first ?? 1 }

    fileprivate let parameter: Parameter
    fileprivate let slot: GradientSlot
  }

  /// In the order of declaration.
  public let entries: [Entry]
  /// The length of the flat buffers, padding included.
  public let flatCount: Int

  /// Lays out the parameters of a module; it has no memory until `bind`.
  ///
  /// A parameter that is reachable by two paths (a tied weight) is stored once, under the first.
  public init(of module: some Module) {
    var entries: [Entry] = []
    var seen: Set<ObjectIdentifier> = []
    var names: Set<String> = []
    var end = 0
    for (name, parameter) in module.namedParameters {
      guard seen.insert(ObjectIdentifier(parameter)).inserted else { continue }
      precondition(names.insert(name).inserted, "two parameters have the name \(name)")
      let start = (end + 15) / 16 * 16
      end = start + parameter.shape.count
      entries.append(
        Entry(
          name: name, shape: parameter.shape, range: start..<end,
          decays: parameter.decays && parameter.isTrained, isTrained: parameter.isTrained,
          parameter: parameter, slot: GradientSlot()))
    }
    self.entries = entries
    flatCount = (end + 15) / 16 * 16
  }

  /// How many elements the parameters have, padding not counted.
  public var parameterCount: Int { entries.reduce(0) { $0 + $1.shape.count } }

  /// Gives every parameter its memory.
  ///
  /// - Parameters:
  ///   - values: The flat buffer of values, of `flatCount` floats, which the parameters hold.
  ///   - workspace: Of the rank that computes with them.
  public func bind(to values: FloatMemory, in workspace: Workspace) {
    for entry in entries {
      entry.parameter.bind(
        to: Tensor(
          viewing: values, from: entry.range.lowerBound, shape: entry.shape,
          gradient: entry.isTrained ? entry.slot : nil, in: workspace))
    }
  }

  /// Fills the bound values by each parameter's initialiser.
  ///
  /// - Parameters:
  ///   - seed: Each element is a function of it, the parameter's index and the position.
  ///   - initializers: In place of parameters' own, by name. Default: none.
  ///   - rows: Rows that get other values than the initialisers', by parameter name. Default: none.
  public func initialize(
    _ values: UnsafeMutablePointer<Float>, seed: UInt64,
    overriding initializers: [String: Initializer] = [:], rows: [String: InitialRows] = [:],
    in workspace: Workspace
  ) {
    for (index, entry) in entries.enumerated() {
      (initializers[entry.name] ?? entry.parameter.initializer).fill(
        UnsafeMutableBufferPointer(
          start: values + entry.range.lowerBound, count: entry.range.count),
        seed: seed, parameterIndex: index, on: workspace.threads)
      if let rows = rows[entry.name] { entry.fill(rows, in: values) }
    }
  }

  /// Directs the gradients of the next backward pass into this flat buffer, of `flatCount` floats,
  /// overwriting it.
  public func beginGradient(into gradient: FloatMemory) {
    for entry in entries { entry.slot.direct(into: gradient, entry.range) }
  }

  /// Completes the flat gradient: parameters that took no part in the loss get zeros.
  public func finishGradient() {
    for entry in entries { entry.slot.zeroIfUnfilled() }
  }
}

extension ParameterStore.Entry {
  /// Gives rows of this parameter their values.
  fileprivate func fill(_ initial: InitialRows, in values: UnsafeMutablePointer<Float>) {
    let width = shape.count / rowCount
    precondition(
      initial.elements.count == initial.rows.count * width
        && initial.rows.allSatisfy { 0 <= $0 && $0 < rowCount },
      "\(initial.rows.count) rows do not fit \(name), \(shape)")
    for (place, row) in initial.rows.enumerated() {
      for column in 0..<width {
        values[range.lowerBound + Int(row) * width + column] =
          initial.elements[place * width + column]
      }
    }
  }
}
