import Foundation
import LockstepDatasets
import LockstepReporting
import LockstepSettings
import LockstepTraining

/// Writes predictions as they come, in one of three forms, and says at the end how many were right.
struct PredictionPrinter {
  enum Form {
    /// A table for a person to read.
    case table
    case csv, json
  }

  /// The column that holds the answers; nil: there is none. Known before the first row is written.
  var target: String?
  private let form: Form
  /// The names of all classes in the order of their numbers; nil where values are predicted.
  private let classes: [String]?
  /// How many classes of each row; nil: all.
  private let count: Int?
  private let isQuiet: Bool
  private var hasHeader = false
  private var tally = Tally()

  /// - Parameters:
  ///   - classes: Nil where values are predicted.
  ///   - count: How many classes of each row; nil: all.
  ///   - isQuiet: Whether nothing but predictions is said.
  init(form: Form, classes: [String]?, count: Int?, isQuiet: Bool) {
    (self.form, self.classes, self.count, self.isQuiet) = (form, classes, count, isQuiet)
  }

  mutating func write(_ predictions: [Prediction]) throws {
    guard !predictions.isEmpty else { return }
    if !isQuiet {
      for found in predictions where found.isCut {
        StandardError.say(
          "lockstep: row \(found.row) is longer than the model's context: its beginning was read")
      }
    }
    if form == .json {
      for found in predictions { try StandardOutput.printJSON(found, keys: .useDefaultKeys) }
      return
    }
    var text = ""
    if !hasHeader {
      hasHeader = true
      text = form == .csv ? Self.joined(csvHeader) : header
    }
    for found in predictions {
      tally.add(found)
      text += form == .csv ? Self.joined(csvFields(of: found)) : line(of: found)
    }
    try form == .csv ? StandardOutput.write(text) : StandardOutput.writeText(text)
  }

  /// Writes the header of a table without rows, and says on standard error how good the predictions were, where people read them and know the answers.
  func finish() throws {
    if form == .csv, !hasHeader { try StandardOutput.write(Self.joined(csvHeader)) }
    guard form == .table, !isQuiet, let verdict = tally.verdict else { return }
    StandardError.say("lockstep: \(verdict)")
  }

  // MARK: - CSV

  private var csvHeader: [String] {
    guard let classes else { return ["row", "prediction"] + answerHeader }
    guard let count else {
      return ["row", "prediction", "probability"] + classes.map { "probability_\($0)" }
        + answerHeader
    }
    let further = (1..<max(1, min(count, classes.count))).flatMap {
      ["prediction_\($0 + 1)", "probability_\($0 + 1)"]
    }
    return ["row", "prediction", "probability"] + further + answerHeader
  }

  private var answerHeader: [String] { target == nil ? [] : ["target"] }

  private func csvFields(of found: Prediction) -> [String] {
    let answer = target == nil ? [] : [found.target ?? ""]
    guard let classes else {
      return ["\(found.row)", found.value.map { "\($0)" } ?? ""] + answer
    }
    let own = found.classes.flatMap { [$0.name, "\($0.probability)"] }
    guard count == nil else {
      let width = 2 * min(count ?? 1, classes.count)
      let blank = [String](repeating: "", count: width - own.count)
      return ["\(found.row)"] + own + blank + answer
    }
    let probabilities = Dictionary(
      found.classes.map { ($0.name, "\($0.probability)") }, uniquingKeysWith: { first, _ in first })
    let likeliest = own.isEmpty ? ["", ""] : Array(own[..<2])
    return ["\(found.row)"] + likeliest + classes.map { probabilities[$0] ?? "" } + answer
  }

  private static func joined(_ fields: [String]) -> String {
    fields.map(CSVTable.field).joined(separator: ",") + "\n"
  }

  // MARK: - For people

  private static let rowWidth = 6
  private static let probabilityWidth = 11
  private static let valueWidth = 13
  /// Longer names are not brought into line.
  private static let widestName = 32

  private var nameWidth: Int {
    min(Self.widestName, max("prediction".count, classes?.map(\.columns).max() ?? 0))
  }

  private var header: String {
    var cells = [left("row", Self.rowWidth)]
    if classes == nil {
      cells.append(left("prediction", Self.valueWidth))
      if let target {
        cells += [left(target, Self.valueWidth), left("difference", Self.valueWidth)]
      }
    } else {
      for place in 0..<min(count ?? 1, classes?.count ?? 1) {
        cells.append(right(place == 0 ? "prediction" : "or", nameWidth))
        cells.append(left("probability", Self.probabilityWidth))
      }
      if let target { cells.append(target) }
    }
    return Self.line(cells)
  }

  private func line(of found: Prediction) -> String {
    var cells = [left("\(found.row)", Self.rowWidth)]
    if let value = found.value {
      cells.append(left(Self.short(Double(value)), Self.valueWidth))
      if target != nil {
        let answer = found.target.flatMap { Double(decimal: $0) }
        cells.append(left(answer.map(Self.short) ?? found.target ?? "-", Self.valueWidth))
        if let answer { cells.append(left(Self.short(Double(value) - answer), Self.valueWidth)) }
      }
    } else if found.classes.isEmpty {
      cells.append("-")
    } else {
      for place in found.classes {
        cells.append(right(place.name, nameWidth))
        cells.append(left(String(format: "%.4f", place.probability), Self.probabilityWidth))
      }
      if let answer = found.target {
        cells.append(
          answer == found.classes[0].name ? answer : right(answer, nameWidth) + "  wrong")
      }
    }
    return Self.line(cells)
  }

  private static func line(_ cells: [String]) -> String {
    var line = cells.joined(separator: "  ")
    while line.last == " " { line.removeLast() }
    return line + "\n"
  }

  private static func short(_ value: Double) -> String { String(format: "%.6g", value) }

  private func left(_ text: String, _ width: Int) -> String {
    text.leftPadded(to: width)
  }

  private func right(_ text: String, _ width: Int) -> String {
    text.rightPadded(to: width)
  }
}

/// How many predictions agree with what the file has for answers.
private struct Tally {
  private var (right, answered) = (0, 0)
  private var squares = 0.0
  private var isOfValues = false

  mutating func add(_ found: Prediction) {
    guard let target = found.target else { return }
    if let value = found.value {
      guard let answer = Double(decimal: target) else { return }
      isOfValues = true
      squares += (Double(value) - answer) * (Double(value) - answer)
    } else {
      guard let likeliest = found.classes.first else { return }
      if likeliest.name == target { right += 1 }
    }
    answered += 1
  }

  /// Nil where there is nothing to compare with.
  var verdict: String? {
    guard answered > 0 else { return nil }
    if isOfValues {
      return "the mean squared difference is "
        + String(format: "%.6g", squares / Double(answered)) + " (\(answered) rows)"
    }
    let share = 100 * Double(right) / Double(answered)
    return "\(right) of \(answered) are right (\(String(format: "%.2f", share)) %)"
  }
}
