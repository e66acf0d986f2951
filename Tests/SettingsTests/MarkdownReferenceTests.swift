import LockstepSettings
import TestSupport
import Testing

@Suite struct MarkdownReferenceTests {
  let page = """
    # Keys

    <!-- begin keys of top level -->
    stale
    <!-- end keys of top level -->
    Prose.
    <!-- begin keys of origin -->
    <!-- end keys of origin -->
    <!-- begin keys of figure -->
    <!-- end keys of figure -->
    """

  @Test func everySectionWithoutMarksIsMissing() {
    let updated = MarkdownReference(SampleConfiguration.keyDescriptions).updating(page)
    #expect(updated.missing == ["path"])
    #expect(MarkdownReference([]).updating("").missing == ["top level"])
  }

  @Test func tablesHoldKeyDefaultRangeAndMeaningOfEveryKey() {
    let text = MarkdownReference(SampleConfiguration.keyDescriptions).updating(page).page
    #expect(!text.contains("stale"))
    #expect(text.contains("Prose."))
    #expect(text.contains("| `count` | `4` | a whole number from 1 to 100 | How many. |\n"))
    #expect(text.contains("| `origin.x` | `1` | a whole number from -9 to 9 | Across."))
    #expect(text.contains("With `figure.kind: ellipse`:\n\n| key |"))
    #expect(text.contains("| `figure.radii` | `[1.0, 2.0]` | a list of 2, each a number above 0 |"))
    #expect(text.contains("- `color: red`: Paints it red.\n"))
    #expect(text.contains("- `figure.kind: dot`: One point.\n"))
  }

  @Test func keysThatDoNotDecideTheResultAreSaidToBeFree() {
    let text = MarkdownReference(SampleConfiguration.keyDescriptions).updating(page).page
    #expect(text.contains("Whether it is shown. Free to change on resume. |"))
    #expect(text.contains("Across. Free to change on resume. |"))
    #expect(text.contains("How many. |"))
  }

  @Test func updatingAPageTwiceChangesNothingMore() {
    let reference = MarkdownReference(SampleConfiguration.keyDescriptions)
    let once = reference.updating(page).page
    #expect(reference.updating(once).page == once)
  }

  /// Two variants may have a section of one name, each with keys of its own: both are documented.
  @Test func sectionsOfOneNameAreToldApartByTheirVariant() {
    struct Points: Configurable {
      var point = SampleConfiguration.Point()
      static var fields: [Field<Self>] { [Field("part", \.point, meaning: "Where.")] }
    }
    struct Lines: Configurable {
      var line = SampleConfiguration.Line()
      static var fields: [Field<Self>] { [Field("part", \.line, meaning: "How far.")] }
    }
    enum Choice: SettingVariants {
      case points(Points)
      case lines(Lines)
      static var variants: [Variant<Self>] {
        [
          Variant("points", "Points.", Self.points) {
            if case .points(let points) = $0 { points } else { nil }
          },
          Variant("lines", "Lines.", Self.lines) {
            if case .lines(let lines) = $0 { lines } else { nil }
          },
        ]
      }
    }
    struct Drawing: Configurable {
      var choice = Choice.points(Points())
      static var fields: [Field<Self>] {
        [Field("kind", choosing: \.choice, meaning: "What is drawn.")]
      }
    }
    let page = """
      <!-- begin keys of top level -->
      <!-- end keys of top level -->
      <!-- begin keys of part -->
      <!-- end keys of part -->
      """
    let updated = MarkdownReference(Drawing.keyDescriptions).updating(page)
    #expect(updated.missing == [])
    for expected in [
      "With `kind: points`:\n\n| key", "| `part.x` |", "With `kind: lines`:\n\n| key",
      "| `part.length` |",
    ] {
      #expect(updated.page.contains(expected), "\(expected)")
    }
  }

  @Test func settingsCanBeListedByWhatTheyDecide() {
    let decisive = SampleConfiguration().settings { $0.decidesResult }.map(\.path)
    #expect(
      decisive == [
        "count", "scale", "title", "note", "limit", "color", "path", "figure.kind",
        "figure.length", "figure.stroke_width",
      ])
  }
}
