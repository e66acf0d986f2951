import LockstepTensors

/// The parameters of a model as views into one flat buffer of values and one of gradients.
///
/// Optimisers, reductions and checkpoints see flat spans and this table of names, shapes and
/// ranges; none of them knows the model. Each parameter starts at a multiple of 16 floats (a cache
/// line); the padding between them is zero and stays zero.
///
/// What training leaves as it is (`Parameter.freeze()`) lies behind all that it changes. So gradients,
/// optimisers and reductions have to do with the front of the buffer, and nothing of theirs is as
/// large as the model where only a part of it is trained.
public final class ParameterStore {
  /// One parameter's place in the flat buffers.
  public struct Entry {
    /// The path of property names, as in checkpoints.
    public let name: String
    public let shape: Shape
    /// The elements in the flat buffer of values, and of gradients if it is trained; of a parameter that is
    /// kept compactly the floats whose memory it has.
    public let range: Range<Int>
    /// How it is kept; nil: as floats.
    public var form: CompactForm? { parameter.form }
    /// Whether `keepFrozen(as:)` would keep it so.
    public func canBeKept(as form: CompactForm) -> Bool { parameter.canBeKept(as: form) }
    /// Whether weight decay applies.
    public let decays: Bool
    /// Whether training changes it.
    public let isTrained: Bool
    /// Whether it is stored with an adapter: as a part of it, which the model itself does not have, or of a
    /// head that is trained beside it.
    public var isOfAdapter: Bool { parameter.isOfAdapter || parameter.isOfHead }
    /// Whether it is of a head that is trained and stored beside an adapter.
    public var isOfHead: Bool { parameter.isOfHead }

    /// Inputs and outputs, as initialisers count them.
    public var fans: (inputs: Int, outputs: Int) { parameter.fans }

    /// Rows of the parameter as a matrix: its first extent.
    public var rowCount: Int { shape.dimensions.first ?? 1 }

    fileprivate let parameter: Parameter
    fileprivate let slot: GradientSlot
  }

  /// The parameters, in the order of their declaration.
  public let entries: [Entry]
  /// The length of the flat buffer of values, padding included.
  public let flatCount: Int
  /// The length of its front, which is trained, and of the flat buffer of gradients.
  public let trainedCount: Int

  /// Lays out the parameters of a module; it has no memory until `bind`.
  ///
  /// A parameter that is reachable by two paths (a tied weight) is stored once, under the first.
  public init(of module: some Module) {
    var parameters: [(name: String, parameter: Parameter)] = []
    var seen: Set<ObjectIdentifier> = []
    var names: Set<String> = []
    for (name, parameter) in module.namedParameters {
      guard seen.insert(ObjectIdentifier(parameter)).inserted else { continue }
      precondition(names.insert(name).inserted, "two parameters have the name \(name)")
      parameters.append((name, parameter))
    }
    var end = 0
    func place(_ parameter: Parameter) -> Range<Int> {
      let start = end
      let count = parameter.form?.floatCount(of: parameter.shape) ?? parameter.shape.count
      end = (start + count + 15) / 16 * 16
      return start..<start + count
    }
    var ranges = parameters.map { $0.parameter.isTrained ? place($0.parameter) : nil }
    trainedCount = end
    for (index, (_, parameter)) in parameters.enumerated() where !parameter.isTrained {
      ranges[index] = place(parameter)
    }
    flatCount = end
    entries = zip(parameters, ranges).compactMap { named, range in
      let (name, parameter) = named
      return range.map {
        Entry(
          name: name, shape: parameter.shape, range: $0,
          decays: parameter.decays && parameter.isTrained, isTrained: parameter.isTrained,
          parameter: parameter, slot: GradientSlot())
      }
    }
  }

  /// How many elements the parameters have, padding not counted.
  public var parameterCount: Int { entries.reduce(0) { $0 + $1.shape.count } }

  /// How many of them training changes.
  public var trainedParameterCount: Int {
    entries.reduce(0) { $0 + ($1.isTrained ? $1.shape.count : 0) }
  }

  /// Gives every parameter its memory.
  ///
  /// - Parameters:
  ///   - values: The flat buffer of values, of `flatCount` floats, which the parameters hold.
  ///   - workspace: Of the rank that computes with them.
  public func bind(to values: FloatMemory, in workspace: Workspace) {
    for entry in entries {
      let start = entry.range.lowerBound
      entry.parameter.bind(
        to: entry.form.map {
          Tensor(viewing: values, from: start, shape: entry.shape, form: $0, in: workspace)
        }
          ?? Tensor(
            viewing: values, from: start, shape: entry.shape,
            gradient: entry.isTrained ? entry.slot : nil, in: workspace))
    }
  }

  /// Gives the parameters that are trained other memory; the rest keeps what it has.
  ///
  /// - Parameter values: A buffer laid out as the front of the flat one, `trainedCount` floats at least.
  public func bindTrained(to values: FloatMemory, in workspace: Workspace) {
    for entry in entries where entry.isTrained {
      entry.parameter.bind(
        to: Tensor(
          viewing: values, from: entry.range.lowerBound, shape: entry.shape, gradient: entry.slot,
          in: workspace))
    }
  }

  /// Has this asked before each use of a parameter that is trained.
  ///
  /// - Parameter arrive: Returns when the front of the flat buffer of values, up to this element, is there.
  public func awaitValues(_ arrive: @escaping (_ end: Int) -> Void) {
    for entry in entries where entry.isTrained {
      let end = entry.range.upperBound
      entry.parameter.awaitValues = { arrive(end) }
    }
  }

  /// Fills the bound values by each parameter's initialiser, but for what is kept compactly: that has values
  /// of its own.
  ///
  /// - Parameters:
  ///   - seed: Each element is a function of it, the parameter's index and the position.
  ///   - initializers: In place of parameters' own, by name. Default: none.
  ///   - rows: Rows that get other values than the initialisers', by parameter name. Default: none.
  ///   - isMeant: Which parameters are filled. Default: all.
  public func initialize(
    _ values: UnsafeMutablePointer<Float>, seed: UInt64,
    overriding initializers: [String: Initializer] = [:], rows: [String: InitialRows] = [:],
    where isMeant: (Entry) -> Bool = { _ in true }, in workspace: Workspace
  ) {
    for (index, entry) in entries.enumerated() where isMeant(entry) && entry.form == nil {
      (initializers[entry.name] ?? entry.parameter.initializer).fill(
        UnsafeMutableBufferPointer(
          start: values + entry.range.lowerBound, count: entry.range.count),
        seed: seed, parameterIndex: index, on: workspace.threads)
      if let rows = rows[entry.name] { entry.fill(rows, in: values) }
    }
  }

  /// Fills the magnitudes of adapters with the lengths that the changed weights have: to be called when all
  /// other values are there.
  public func initializeMagnitudes(_ values: UnsafeMutablePointer<Float>) {
    let places = Dictionary(
      uniqueKeysWithValues: entries.map { (ObjectIdentifier($0.parameter), $0.range) })
    for entry in entries {
      guard let adapter = entry.parameter.adapter, let magnitude = adapter.magnitude,
        let place = places[ObjectIdentifier(magnitude)]
      else { continue }
      let lengths = adapter.change.lengths(of: entry.parameter.tensor, entry.parameter.layout)
      lengths.withElements { source in
        for (index, length) in source.enumerated() { values[place.lowerBound + index] = length }
      }
    }
  }

  /// Folds all adapters into the weights that they belong to, which are kept as floats.
  ///
  /// - Parameter values: The flat buffer of bound values.
  public func mergeAdapters(_ values: UnsafeMutablePointer<Float>) {
    for entry in entries {
      guard let adapter = entry.parameter.adapter else { continue }
      let merged = adapter.change.merged(into: entry.parameter.tensor, entry.parameter.layout)
      merged.withElements { source in
        for (index, value) in source.enumerated() {
          values[entry.range.lowerBound + index] = value
        }
      }
    }
  }

  /// Directs the gradients of the next backward pass into this flat buffer, of `trainedCount` floats,
  /// overwriting it.
  public func beginGradient(into gradient: FloatMemory) {
    for entry in entries where entry.isTrained { entry.slot.direct(into: gradient, entry.range) }
  }

  /// Lets go of the gradient's memory until the next `beginGradient`.
  public func releaseGradient() {
    for entry in entries where entry.isTrained { entry.slot.release() }
  }

  /// Tells of the flat gradient's end while a backward pass still computes the rest. To be called between
  /// the forward and the backward pass.
  ///
  /// - Parameter report: Given the first of the elements that are final, all up to the last: less with
  ///   each call, and 0 at the latest in `finishGradient`.
  public func awaitGradient(_ report: @escaping (_ firstFinal: Int) -> Void) {
    let trained = entries.filter(\.isTrained)
    var isFinal = [Bool](repeating: false, count: trained.count)
    var first = trained.count
    for (index, entry) in trained.enumerated() {
      entry.slot.awaitFinal {
        isFinal[index] = true
        guard index == first - 1 else { return }
        while first > 0, isFinal[first - 1] { first -= 1 }
        report(first > 0 ? trained[first].range.lowerBound : 0)
      }
    }
  }

  /// Completes the flat gradient: parameters that took no part in the loss get zeros.
  public func finishGradient() {
    for entry in entries where entry.isTrained { entry.slot.finish() }
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
