/// An enumeration of which a configuration chooses one case by name, each with keys of its own.
///
/// ```swift
/// enum Method: SettingVariants {
///   case adamw(AdamW)
///   case sgd(SGD)
///
///   static var variants: [Variant<Method>] {
///     [
///       Variant("adamw", "Adam with decoupled weight decay.", Method.adamw) {
///         if case .adamw(let payload) = $0 { payload } else { nil }
///       },
///       …
/// ```
public protocol SettingVariants: Sendable, Equatable {
  /// One per case.
  static var variants: [Variant<Self>] { get }
}

extension SettingVariants {
  static var choices: [ChoiceDescription] {
    variants.map { ChoiceDescription($0.name, $0.documentation) }
  }

  /// The declaration of this value's case.
  var variant: Variant<Self> {
    guard let variant = Self.variants.first(where: { $0.isChosen(self) }) else {
      preconditionFailure("\(Self.self).variants does not list the case of \(self)")
    }
    return variant
  }

  /// The word that chooses this value's case.
  public var variantName: String { variant.name }
}

/// The declaration of one case of a `SettingVariants`.
public struct Variant<Choice: SettingVariants> {
  package let name: String
  let documentation: String
  let isChosen: (Choice) -> Bool
  let read: (inout SectionReader, Choice) -> Choice
  let check: (Choice, inout SettingChecks) -> Void
  let write: (Choice) -> [SettingNode.Entry]
  let describe: (Choice) -> [KeyDescription]

  /// A case with keys.
  ///
  /// - Parameters:
  ///   - name: The word that chooses it.
  ///   - documentation: What choosing it means, in one sentence.
  ///   - embed: Makes the case of its payload.
  ///   - extract: The payload of a value, if it is of this case.
  public init<Payload: Configurable>(
    _ name: String, _ documentation: String, _ embed: @escaping (Payload) -> Choice,
    _ extract: @escaping (Choice) -> Payload?
  ) {
    self.name = name
    self.documentation = documentation
    isChosen = { extract($0) != nil }
    read = { reader, current in
      var payload = extract(current) ?? Payload()
      payload.readFields(from: &reader)
      return embed(payload)
    }
    check = { choice, checks in extract(choice)?.check(&checks) }
    write = { choice in extract(choice)?.entries ?? [] }
    describe = { choice in Payload.describeKeys(of: extract(choice)) }
  }

  /// A case without keys.
  public init(_ name: String, _ documentation: String, _ choice: Choice) {
    self.name = name
    self.documentation = documentation
    isChosen = { $0 == choice }
    read = { _, _ in choice }
    check = { _, _ in }
    write = { _ in [] }
    describe = { _ in [] }
  }
}
