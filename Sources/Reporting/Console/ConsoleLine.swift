import LockstepFiles

/// One line on the console: fields side by side, of which the less important give way where the
/// terminal is narrow.
struct ConsoleLine {
  /// How a piece of text stands out.
  enum Emphasis {
    case plain, faint, strong
  }

  /// A few pieces of text that stay or go together.
  struct Field {
    /// Fields of lower rank go first; those of the highest stay.
    let rank: Int
    let pieces: [(text: String, emphasis: Emphasis)]

    /// Control characters of the texts are made visible.
    fileprivate init(rank: Int, _ pieces: [(text: String, emphasis: Emphasis)]) {
      self.rank = rank
      self.pieces = pieces.map { ($0.text.visible, $0.emphasis) }
    }

    var width: Int { pieces.reduce(0) { $0 + $1.text.columns } }
  }

  private(set) var fields: [Field] = []

  /// Adds a field such as `loss 3.1416`, the label faint.
  mutating func add(rank: Int, _ label: String, _ value: String) {
    fields.append(Field(rank: rank, [(label + " ", .faint), (value, .plain)]))
  }

  /// Adds a field such as `24,310 tokens/s`, the unit faint.
  mutating func add(rank: Int, _ value: String, unit: String) {
    fields.append(Field(rank: rank, [(value, .plain), (" " + unit, .faint)]))
  }

  mutating func add(rank: Int, _ text: String, _ emphasis: Emphasis = .plain) {
    fields.append(Field(rank: rank, [(text, emphasis)]))
  }

  /// The line as text.
  ///
  /// - Parameters:
  ///   - columns: The most it may take: fields move closer, then the least important go, and at
  ///     last the text is cut. Nil for no limit.
  ///   - isColored: Whether emphasis is shown, by ANSI sequences.
  func text(columns: Int? = nil, isColored: Bool = false) -> String {
    var fields = fields
    var gap = 3
    func width() -> Int {
      fields.reduce(0) { $0 + $1.width } + gap * max(0, fields.count - 1)
    }
    func render(_ piece: (Field) -> String) -> String {
      fields.map(piece).joined(separator: String(repeating: " ", count: gap))
    }
    let columns = columns ?? Int.max
    if width() > columns { gap = 2 }
    while width() > columns, fields.count > 1,
      let least = fields.indices.min(by: { fields[$0].rank < fields[$1].rank })
    {
      fields.remove(at: least)
    }
    if isColored, width() <= columns {
      return render { $0.pieces.map(Self.styled).joined() }
    }
    return render { $0.pieces.map(\.text).joined() }.prefix(columns: columns)
  }

  private static func styled(_ text: String, _ emphasis: Emphasis) -> String {
    switch emphasis {
    case .plain: text
    case .faint: "\u{1B}[2m\(text)\u{1B}[22m"
    case .strong: "\u{1B}[1m\(text)\u{1B}[22m"
    }
  }
}
