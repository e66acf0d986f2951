/// Which tensor of a source fills which of a model's parameters: each parameter has one, and each
/// tensor is some parameter's or known to be none.
public struct WeightAssignment: Sendable {
  /// A parameter and what holds it.
  public struct Pair: Sendable {
    /// The parameter's place among those that were given.
    public let parameter: Int
    /// The tensor's name in the source.
    public let tensor: String
    /// Further tensors for the same parameter, tied ones; they must have the same elements.
    public let copies: [String]
  }

  /// In the order of the source's tensors.
  public let pairs: [Pair]

  /// - Parameters:
  ///   - parameters: All of the model's, by their own names.
  ///   - source: Its names are looked at, no elements.
  ///   - names: What they mean.
  /// - Throws: `WeightError.unfit` with everything that does not belong together.
  public init(
    of parameters: [TensorLayout], from source: some WeightSource, names: WeightNames
  ) throws(WeightError) {
    let places = Dictionary(
      parameters.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
    let known = Set(places.keys)
    var mismatch = WeightMismatch()
    var order: [Int] = []
    var found: [Int: [String]] = [:]
    for tensor in source.tensors {
      guard let name = names.parameter(of: tensor.name, among: known), let place = places[name]
      else {
        if !names.isNoParameter(tensor.name) { mismatch.unknown.append(tensor.name) }
        continue
      }
      if tensor.shape != parameters[place].shape {
        mismatch.misshapen.append(
          .init(tensor: tensor.name, found: tensor.shape, expected: parameters[place].shape))
      }
      if found[place] == nil { order.append(place) }
      found[place, default: []].append(tensor.name)
    }
    mismatch.missing = parameters.indices.filter { found[$0] == nil }.map { parameters[$0].name }
    guard mismatch.isEmpty else { throw .unfit(path: source.path, mismatch) }
    pairs = order.compactMap { place in
      found[place].flatMap { tensors in
        tensors.first.map {
          Pair(parameter: place, tensor: $0, copies: Array(tensors.dropFirst()))
        }
      }
    }
  }
}

/// What does not belong together of a model's parameters and a source's tensors.
public struct WeightMismatch: Equatable, Sendable, CustomStringConvertible {
  /// A tensor of another shape than its parameter.
  public struct Misshapen: Equatable, Sendable {
    public let tensor: String
    public let found: [Int]
    public let expected: [Int]

    public init(tensor: String, found: [Int], expected: [Int]) {
      self.tensor = tensor
      self.found = found
      self.expected = expected
    }
  }

  /// Parameters that no tensor fills.
  public var missing: [String] = []
  /// Tensors that no parameter takes.
  public var unknown: [String] = []
  public var misshapen: [Misshapen] = []

  public init() {}

  var isEmpty: Bool { missing.isEmpty && unknown.isEmpty && misshapen.isEmpty }

  /// Names of a kind that are told; of more only their number is.
  private static let mostNames = 4

  public var description: String {
    let shapes = misshapen.map { "'\($0.tensor)' \($0.found), expected \($0.expected)" }
    let parts = [
      ("no tensor for", missing.map { "'\($0)'" }), ("no parameter for", unknown.map { "'\($0)'" }),
      ("other shapes:", shapes),
    ]
    return parts.filter { !$1.isEmpty }.map { "\($0) \(Self.list($1))" }.joined(separator: "; ")
  }

  private static func list(_ items: [String]) -> String {
    let told = items.prefix(mostNames).joined(separator: ", ")
    return items.count > mostNames ? "\(told) and \(items.count - mostNames) more" : told
  }
}
