/// A part of a network: its stored properties are parameters and further modules, and
/// `callAsFunction` (by convention) computes.
///
/// Declaring the properties is all: a `ParameterStore` finds the parameters by reflection, in the
/// order of declaration, and names them by the path of property names, as PyTorch does
/// ("blocks.0.attention.output.weight"). It looks into optionals and arrays, not into dictionaries,
/// tuples and types that are not modules.
public protocol Module {
  /// The name in checkpoints of each stored property whose own name is not to be used; a name may
  /// contain dots ("transformer.wte"), or be empty, where what is inside is named as if it were here.
  /// Default: none.
  static var checkpointNames: [String: String] { get }
}

extension Module {
  public static var checkpointNames: [String: String] { [:] }

  /// All parameters with their names, in the order of declaration.
  public var namedParameters: [(name: String, parameter: Parameter)] {
    var found: [(name: String, parameter: Parameter)] = []
    collectParameters(path: [], into: &found)
    return found
  }

  private func collectParameters(
    path: [String], into found: inout [(name: String, parameter: Parameter)]
  ) {
    // A class inherits its superclass's properties, which come first.
    var mirrors: [Mirror] = []
    var mirror: Mirror? = Mirror(reflecting: self)
    while let current = mirror {
      mirrors.append(current)
      mirror = current.superclassMirror
    }
    for child in mirrors.reversed().flatMap(\.children) {
      guard let label = child.label else { continue }
      let name = Self.checkpointNames[label] ?? label
      collect(child.value, path: name.isEmpty ? path : path + [name], into: &found)
    }
  }

  private func collect(
    _ value: Any, path: [String], into found: inout [(name: String, parameter: Parameter)]
  ) {
    switch value {
    case let parameter as Parameter:
      found.append((path.joined(separator: "."), parameter))
    case let module as any Module:
      module.collectParameters(path: path, into: &found)
    default:
      let mirror = Mirror(reflecting: value)
      switch mirror.displayStyle {
      case .optional:
        for some in mirror.children { collect(some.value, path: path, into: &found) }
      case .collection:
        for (index, element) in mirror.children.enumerated() {
          collect(element.value, path: path + [String(index)], into: &found)
        }
      default: break
      }
    }
  }
}
