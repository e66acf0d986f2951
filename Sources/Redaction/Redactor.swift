import LockstepKeys

/// Replaces what could tell about a person, or let someone in, by marks or pseudonyms.
///
/// Redacting once more changes nothing: a text is gone through until nothing is found in it, and what was
/// replaced is not found again.
public struct Redactor: Sendable {
  /// What is looked for.
  public let classes: Set<RedactionClass>
  /// Whether the line ends within a private key's block stay, so that lines keep their numbers.
  public var keepsLines = false

  private let scanner: TextScanner
  private let replacement: Replacement

  /// - Parameters:
  ///   - classes: What is looked for. Default: everything.
  ///   - names: Names to be found; without any the class `name` finds nothing. Default: none.
  ///   - key: With a key, findings become pseudonyms; nil: marks. Default: nil.
  public init(
    classes: Set<RedactionClass> = Set(RedactionClass.allCases), names: NameList = NameList(),
    key: SecretKey? = nil
  ) {
    self.classes = classes
    makesPseudonyms = key != nil
    scanner = TextScanner(classes: classes, names: names)
    replacement = Replacement(key: key)
  }

  /// Whether findings become pseudonyms.
  public let makesPseudonyms: Bool

  /// The names that are found.
  public var names: NameList { scanner.names }

  /// Redacts one text.
  ///
  /// - Parameters:
  ///   - hint: What its name says of it.
  ///   - counts: What was found is added.
  /// - Returns: Nil where nothing was found.
  func redacted(
    _ text: UnsafeBufferPointer<UInt8>, _ hint: TextScanner.Hint = TextScanner.Hint(),
    _ counts: inout RedactionCounts
  ) -> [UInt8]? {
    guard let base = text.baseAddress else { return nil }
    var result = pass(Text(base: base, count: text.count), hint, &counts)
    // What was replaced may have hidden something: a finding that overlapped another, for example.
    while let once = result {
      let again = once.withUnsafeBufferPointer { bytes in
        bytes.baseAddress.flatMap { pass(Text(base: $0, count: bytes.count), hint, &counts) }
      }
      guard let again else { return once }
      result = again
    }
    return nil
  }

  private func pass(
    _ text: Text, _ hint: TextScanner.Hint, _ counts: inout RedactionCounts
  ) -> [UInt8]? {
    let findings = scanner.findings(in: text, hint)
    guard !findings.isEmpty else { return nil }
    var output: [UInt8] = []
    output.reserveCapacity(text.count + 16 * findings.count)
    var place = 0
    for finding in findings {
      output += text.bytes(place..<finding.range.lowerBound)
      let value = text.bytes(finding.range)
      replacement.append(finding.kind, for: value, to: &output)
      // A name that is broken over two lines leaves its line end, as a table's rows need it.
      let keeps = finding.kind == .name || keepsLines
      if keeps { output += value.filter { $0 == UInt8(ascii: "\n") } }
      counts.add(finding.kind)
      place = finding.range.upperBound
    }
    output += text.bytes(place..<text.count)
    return output
  }
}

/// How many findings of each class there were.
public struct RedactionCounts: Sendable, Equatable {
  private var counts = [Int](repeating: 0, count: RedactionClass.allCases.count)

  public init() {}

  public subscript(kind: RedactionClass) -> Int {
    RedactionClass.allCases.firstIndex(of: kind).map { counts[$0] } ?? 0
  }

  /// By the classes' names, without those of which nothing was found.
  public var byName: [String: Int] {
    Dictionary(
      uniqueKeysWithValues: RedactionClass.allCases.map { ($0.rawValue, self[$0]) }
        .filter { $0.1 > 0 })
  }

  /// Findings of all classes together.
  public var total: Int { counts.reduce(0, +) }

  mutating func add(_ kind: RedactionClass) {
    guard let index = RedactionClass.allCases.firstIndex(of: kind) else { return }
    counts[index] += 1
  }

  public static func += (left: inout RedactionCounts, right: RedactionCounts) {
    for index in left.counts.indices { left.counts[index] += right.counts[index] }
  }
}
