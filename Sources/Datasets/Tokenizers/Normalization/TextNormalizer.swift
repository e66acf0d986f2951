/// How text is changed before it is cut into tokens: steps, one after the other.
///
/// They give the same on every machine: canonical forms and the classes of characters come from tables
/// (`CanonicalForms`, `BERTScalars`), not from the system.
public struct TextNormalizer: Sendable, Equatable {
  /// One change.
  public enum Step: Sendable, Equatable {
    /// Unicode's composed canonical form. Qwen, OLMo, GPT-NeoX.
    case composed
    /// Unicode's decomposed canonical form.
    case decomposed
    /// Every scalar by its lowercase.
    case lowercase
    /// BERT's cleaning of texts.
    case bert(BERTNormalization)
    /// Text put before a text, if that is not empty. Llama 2, with "▁".
    case prepend(String)
    /// Every occurrence of a text by another one. Llama 2, with " " and "▁".
    case replace(String, by: String)
  }

  public let steps: [Step]
  /// Where a step needs them.
  private let forms: CanonicalForms?
  private let bertScalars: BERTScalars?

  /// - Parameter steps: Default: none.
  public init(_ steps: [Step] = []) {
    self.steps = steps
    let needsForms = steps.contains { step in
      switch step {
      case .composed, .decomposed: true
      case .bert(let bert): bert.stripsAccents
      case .lowercase, .prepend, .replace: false
      }
    }
    forms = needsForms ? CanonicalForms() : nil
    let isBERT = steps.contains { if case .bert = $0 { true } else { false } }
    bertScalars = isBERT ? BERTScalars() : nil
  }

  public static func == (left: TextNormalizer, right: TextNormalizer) -> Bool {
    left.steps == right.steps
  }

  /// Whether texts stay as they are.
  public var isEmpty: Bool { steps.isEmpty }

  /// Whether a text that is cut before a space or a line feed is changed as the whole is: not where a text
  /// that is replaced could lie across the cut.
  var allowsCuts: Bool {
    let blanks: Set<UInt8> = [UInt8(ascii: " "), UInt8(ascii: "\n")]
    var replacesBlanks = false
    for case .replace(let found, _) in steps {
      // Behind a step that puts something else in place of blanks, anything may be at the cut.
      if found.utf8.dropFirst().contains(where: blanks.contains)
        || replacesBlanks && found.unicodeScalars.count > 1
      {
        return false
      }
      if found.utf8.first.map(blanks.contains) ?? false { replacesBlanks = true }
    }
    return true
  }

  /// The changed text; nil: it stays as it is.
  ///
  /// - Parameters:
  ///   - text: UTF-8, or any bytes: those that are none stay, but for BERT's cleaning.
  ///   - place: Where it stands. Nothing is put before a text that goes on with another.
  func normalized(_ text: UnsafeRawBufferPointer, at place: TextPlace) -> [UInt8]? {
    var result: [UInt8]?
    for step in steps {
      let changed =
        if let result {
          result.withUnsafeBytes { apply(step, to: $0, at: place) }
        } else {
          apply(step, to: text, at: place)
        }
      result = changed ?? result
    }
    return result
  }

  private func apply(
    _ step: Step, to text: UnsafeRawBufferPointer, at place: TextPlace
  ) -> [UInt8]? {
    switch step {
    case .composed: return forms?.composed(text)
    case .decomposed: return forms?.decomposed(text)
    case .lowercase:
      return Self.mapped(text) { $0.properties.lowercaseMapping }
    case .bert(let bert):
      return bertScalars.map { bert.normalized(text, forms: forms, classes: $0) }
    case .prepend(let prefix):
      return place == .continued || text.isEmpty ? nil : Array(prefix.utf8) + text
    case .replace(let found, let replacement):
      return Self.replaced(text, Array(found.utf8), by: Array(replacement.utf8))
    }
  }

  /// A text in which each scalar is replaced; bytes that are no UTF-8 stay.
  private static func mapped(
    _ text: UnsafeRawBufferPointer, _ change: (Unicode.Scalar) -> String
  ) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(text.count)
    UTF8Scalar.forEachOrByte(in: text) { scalar, byte in
      if let scalar { result.append(contentsOf: change(scalar).utf8) } else { result.append(byte) }
    }
    return result
  }

  /// From left to right; nil where there is none.
  private static func replaced(
    _ text: UnsafeRawBufferPointer, _ found: [UInt8], by replacement: [UInt8]
  ) -> [UInt8]? {
    guard let first = found.first, text.contains(first) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count + text.count / 4)
    var position = 0
    while position < text.count {
      let end = position + found.count
      if text[position] == first, end <= text.count,
        found.count == 1 || text[position..<end].elementsEqual(found)
      {
        result.append(contentsOf: replacement)
        position = end
      } else {
        result.append(text[position])
        position += 1
      }
    }
    return result
  }
}
