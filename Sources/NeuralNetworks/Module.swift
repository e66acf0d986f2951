/// A part of a network: its stored properties are parameters and further modules, and
/// `callAsFunction` (by convention) computes.
///
/// Declaring the properties is all: a `ParameterStore` finds the parameters by reflection, in the
/// order of declaration, and names them by the path of property names, as PyTorch does
/// ("blocks.0.attention.output.weight"). It looks into optionals and arrays, not into dictionaries,
/// tuples and types that are not modules.
public protocol Module {
  /// The name in checkpoints of each property whose own name is not to be used. Default: none.
  ///
  /// A key is a property, or the path of one further down, without the places in arrays:
  /// `"blocks.attention.output"`. A name may contain dots ("transformer.wte"), or be empty, where what
  /// is inside is named as if it were here. Of two names for the same thing that of the outer module
  /// holds: so a network names the parts that it shares with others as its files have them. A property
  /// to which its own module gives an empty name has no place in such paths.
  static var checkpointNames: [String: String] { get }

  /// What the module consists of, by property; decides the order in which parameters are stored, and
  /// with it their initial values. Default: the stored properties in the order of declaration.
  var parts: [(property: String, value: Any)] { get }
}

extension Module {
  public static var checkpointNames: [String: String] { [:] }

  public var parts: [(property: String, value: Any)] { storedProperties }

  /// The stored properties in the order of declaration; a class inherits its superclass's, which come
  /// first.
  private var storedProperties: [(property: String, value: Any)] {
    var mirrors: [Mirror] = []
    var mirror: Mirror? = Mirror(reflecting: self)
    while let current = mirror {
      mirrors.append(current)
      mirror = current.superclassMirror
    }
    return mirrors.reversed().flatMap(\.children).compactMap { child in
      child.label.map { ($0, child.value) }
    }
  }

  /// All parameters with their names, in the order of `parts`.
  public var namedParameters: [(name: String, parameter: Parameter)] {
    var found: [(name: String, parameter: Parameter)] = []
    collectParameters(at: ParameterPath(), into: &found)
    return found
  }

  fileprivate func collectParameters(
    at path: ParameterPath, into found: inout [(name: String, parameter: Parameter)]
  ) {
    for part in parts {
      collect(
        part.value, at: path.entering(part.property, named: Self.checkpointNames), into: &found)
    }
  }

  private func collect(
    _ value: Any, at path: ParameterPath, into found: inout [(name: String, parameter: Parameter)]
  ) {
    switch value {
    case let parameter as Parameter:
      found.append((path.name, parameter))
      parameter.adapter?.collectParameters(at: path.leaving, into: &found)
    case let module as any Module:
      module.collectParameters(at: path, into: &found)
    default:
      let mirror = Mirror(reflecting: value)
      switch mirror.displayStyle {
      case .optional:
        for some in mirror.children { collect(some.value, at: path, into: &found) }
      case .collection:
        for (index, element) in mirror.children.enumerated() {
          collect(element.value, at: path.entering(place: index), into: &found)
        }
      default: break
      }
    }
  }
}

/// The way from a network to one of its parameters.
private struct ParameterPath {
  /// The names of one module on the way, and the way from there on.
  struct Scope {
    let names: [String: String]
    var properties: [String]
  }

  private var components: [String] = []
  /// The outermost first; modules without names of their own are left out.
  private var scopes: [Scope] = []

  /// As in checkpoints.
  var name: String { components.joined(separator: ".") }

  /// The path of a property of the module at the end of this one.
  ///
  /// - Parameter names: The module's.
  func entering(_ property: String, named names: [String: String]) -> ParameterPath {
    let own = names[property] ?? property
    var path = self
    if !own.isEmpty {
      for index in path.scopes.indices { path.scopes[index].properties.append(own) }
    }
    let outer = own.isEmpty ? nil : path.scopes.lazy.compactMap(\.name).first
    if !names.isEmpty { path.scopes.append(Scope(names: names, properties: [property])) }
    let resolved = outer ?? own
    if !resolved.isEmpty { path.components.append(resolved) }
    return path
  }

  /// The path of what the end of this one is a property of. Adapters are named so, as if they were a part
  /// of the layer whose weight they belong to.
  var leaving: ParameterPath {
    var path = self
    path.components.removeLast()
    path.scopes = []
    return path
  }

  /// The path of an element of the array at the end of this one.
  func entering(place: Int) -> ParameterPath {
    var path = self
    path.components.append(String(place))
    return path
  }
}

extension ParameterPath.Scope {
  /// What its module calls the property at the end of the way; nil: nothing special.
  fileprivate var name: String? { names[properties.joined(separator: ".")] }
}
