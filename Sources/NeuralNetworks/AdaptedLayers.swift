/// The layers of a module that have an adapter, and what the module is without these: the model that they
/// belong to.
public struct AdaptedLayers {
  private let weights: [Parameter]

  /// - Parameter module: With all adapters that it is to have.
  public init(of module: any Module) {
    weights = module.namedParameters.map(\.parameter).filter { $0.adapter != nil }
  }

  /// Whether there is none.
  public var isEmpty: Bool { weights.isEmpty }

  /// Runs `body` with all adapters set aside: the module computes as the one that it was before it got
  /// them. Nothing in `body` may be recorded.
  public func settingAdaptersAside<Result>(_ body: () throws -> Result) rethrows -> Result {
    for weight in weights { weight.isAdapterSetAside = true }
    defer { for weight in weights { weight.isAdapterSetAside = false } }
    return try body()
  }
}
