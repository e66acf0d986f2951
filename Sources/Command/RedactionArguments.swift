import ArgumentParser
import LockstepKeys
import LockstepRedaction

/// What is redacted, and by what it is replaced.
struct RedactionArguments: ParsableArguments {
  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "Look for these only: \(RedactionClass.allCases.map(\.rawValue).joined(separator: ", ")).",
      valueName: "class"))
  var only: [RedactionClass] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Look for all but these.", valueName: "class"))
  var except: [RedactionClass] = []

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp("Files of names to be found, one a line.", valueName: "file"))
  var names: [String] = []

  @Flag(help: "With --names: find them in letters of either case.")
  var ignoreCase = false

  /// Whether any of these was given.
  var isGiven: Bool { !only.isEmpty || !except.isEmpty || !names.isEmpty || ignoreCase }

  func validate() throws {
    guard only.isEmpty || except.isEmpty else {
      throw ValidationError("--only and --except: give one or the other")
    }
    if ignoreCase && names.isEmpty {
      throw ValidationError("--ignore-case goes with --names, the lists of names")
    }
    if only.contains(.name) && names.isEmpty {
      throw ValidationError("--only name: the names are those of lists; give them with --names")
    }
    if !names.isEmpty && !classes.contains(.name) {
      throw ValidationError("--names gives names, which --only and --except leave out")
    }
    if classes.isEmpty { throw ValidationError("--except leaves nothing to look for") }
  }

  private var classes: Set<RedactionClass> {
    only.isEmpty
      ? Set(RedactionClass.allCases).subtracting(except) : Set(only)
  }

  /// - Parameter key: Makes pseudonyms; nil: marks.
  func redactor(key: SecretKey?) throws -> Redactor {
    var list = NameList(ignoringCase: ignoreCase)
    for path in names { try list.add(file: path) }
    // Without names there is nothing of that class to report.
    let sought = list.isEmpty ? classes.subtracting([.name]) : classes
    return Redactor(classes: sought, names: list, key: key)
  }
}

extension RedactionClass: ExpressibleByArgument {}
extension RedactionFormat: ExpressibleByArgument {}
