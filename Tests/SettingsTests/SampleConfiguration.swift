import LockstepSettings

/// A configuration with a key of every kind, for the tests of this folder.
struct SampleConfiguration: Configurable {
  enum Color: String, SettingChoice {
    case red, green, blue
    var documentation: String { "Paints it \(rawValue)." }
  }

  struct Point: Configurable {
    var x = 0
    var y = 0

    init() {}
    init(x: Int, y: Int) { (self.x, self.y) = (x, y) }

    static var fields: [Field<Self>] {
      [
        Field("x", \.x, .within(-9...9), meaning: "Across."),
        Field("y", \.y, .within(-9...9), meaning: "Up."),
      ]
    }

    func check(_ checks: inout SettingChecks) {
      checks.require(x <= y, "x", "at most y (\(y))", involving: "y")
    }
  }

  struct Ellipse: Configurable {
    var radii = [1.0, 2.0]
    var filled = false
    static var fields: [Field<Self>] {
      [
        Field("radii", \.radii, .count(2, each: .above(0)), meaning: "Half axes."),
        Field("filled", \.filled, meaning: "Whether it is painted inside."),
      ]
    }

    func check(_ checks: inout SettingChecks) {
      checks.require(radii[0] <= radii[1], "radii", "the shorter one first")
    }
  }

  struct Line: Configurable {
    var length = 3.0
    static var fields: [Field<Self>] {
      [Field("length", \.length, .above(0), meaning: "From end to end.")]
    }
  }

  enum Shape: SettingVariants {
    case dot
    case line(Line)
    case ellipse(Ellipse)

    static var variants: [Variant<Self>] {
      [
        Variant("dot", "One point.", .dot),
        Variant("line", "A straight line.", Self.line) {
          if case .line(let line) = $0 { line } else { nil }
        },
        Variant("ellipse", "A closed curve.", Self.ellipse) {
          if case .ellipse(let ellipse) = $0 { ellipse } else { nil }
        },
      ]
    }
  }

  struct Figure: Configurable {
    var shape: Shape = .line(Line())
    var strokeWidth = 0.5
    static var fields: [Field<Self>] {
      [
        Field("kind", choosing: \.shape, meaning: "What is drawn."),
        Field("stroke_width", \.strokeWidth, .within(0..<10), meaning: "Of the pen."),
      ]
    }
  }

  var count = 4
  var scale = 1.5
  var visible = true
  var title = "untitled"
  var note: String?
  var limit: Int? = 7
  var color = Color.green
  var origin = Point(x: 1, y: 2)
  var path: [Point] = []
  var figure = Figure()

  static var fields: [Field<Self>] {
    [
      Field("count", \.count, .within(1...100), meaning: "How many."),
      Field("scale", \.scale, .above(0), meaning: "How large."),
      Field("visible", \.visible, decidesResult: false, meaning: "Whether it is shown."),
      Field("title", \.title, .notEmpty, meaning: "What it is called."),
      Field("note", \.note, meaning: "A remark."),
      Field("limit", \.limit, .ifPresent(.atLeast(1)), meaning: "The most there may be."),
      Field("color", \.color, meaning: "The paint."),
      Field("origin", \.origin, decidesResult: false, meaning: "Where it starts."),
      Field("path", \.path, meaning: "Where it goes."),
      Field("figure", \.figure, meaning: "What is drawn."),
    ]
  }
}

// MARK: Trees as a file would give them

extension SettingNode: ExpressibleByStringLiteral, ExpressibleByDictionaryLiteral,
  ExpressibleByArrayLiteral
{
  public init(stringLiteral value: String) { self.init(.plain(value)) }

  public init(dictionaryLiteral elements: (String, SettingNode)...) {
    self.init(.map(elements.map { Entry($0.0, $0.1) }))
  }

  public init(arrayLiteral elements: SettingNode...) { self.init(.list(elements)) }

  /// The tree with line numbers, as if every key stood on a line of its own.
  var numbered: SettingNode {
    var line = 0
    return numbered(from: &line)
  }

  private func numbered(from line: inout Int) -> SettingNode {
    let origin = SettingOrigin(source: "sample.yaml", line: max(line, 1))
    switch content {
    case .map(let entries):
      let numbered = entries.map { entry in
        line += 1
        let origin = SettingOrigin(source: "sample.yaml", line: line)
        return Entry(entry.key, entry.value.numbered(from: &line), origin: origin)
      }
      return SettingNode(.map(numbered), origin: origin)
    case .list(let nodes):
      let numbered = nodes.map { $0.numbered(from: &line) }
      return SettingNode(.list(numbered), origin: origin)
    case .null, .plain, .text:
      return SettingNode(content, origin: origin)
    }
  }
}

/// The lines of the message that reading `tree` ends with; empty if it can be read.
func problems(in tree: SettingNode) -> [String] {
  do throws(ConfigurationError) {
    _ = try SampleConfiguration(settings: tree.numbered)
    return []
  } catch {
    return error.violations.map(\.description)
  }
}
