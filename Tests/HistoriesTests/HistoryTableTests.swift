import Foundation
import LockstepHistories
import TestSupport
import Testing

/// `metrics.jsonl` as a table.
@Suite struct HistoryTableTests {
  private let folder: TemporaryDirectory

  init() throws { folder = try TemporaryDirectory() }

  private func history(_ lines: [String]) throws -> RunHistory {
    let path = folder.path + "/metrics.jsonl"
    try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: URL(fileURLWithPath: path))
    return try RunHistory(path: path)
  }

  /// Twenty steps, evaluated after the seventh; lines of other kinds between them.
  private static let lines: [String] = {
    var lines: [String] = []
    for step in 1...20 {
      let beginning = #"{"step":\#(step),"loss":\#(1 / Double(step)),"gradient_norm":0.1,"#
      lines.append(
        beginning + #""learning_rate":1e-3,"tokens":\#(step * 64),"seconds":0.5,"#
          + #""tokens_per_second":100.0}"#)
      if step == 7 {
        lines.append(
          #"{"step":7,"validation_loss":"NaN","accuracy":0.25,"validation_tokens":64,"#
            + #""evaluation_seconds":1,"weights":"average"}"#)
      }
      if step.isMultiple(of: 10) {
        lines.append(#"{"step":\#(step),"ranks":[{"resident_bytes":1}]}"#)
      }
    }
    return lines + [#"{"step":20,"samples":[{"prompt":"a","text":"b"}]}"#]
  }()

  private func csv(_ table: HistoryTable) -> [String] {
    var text = ""
    table.csv { text += $0 }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  @Test func stepsAndTheirEvaluationsAreRowsWithAllBits() throws {
    let history = try history(Self.lines)
    #expect(history.rows.map(\.step) == Array(1...20))
    let found = csv(try HistoryTable(history))
    #expect(
      found[0] == "step,loss,gradient_norm,learning_rate,tokens,seconds,tokens_per_second,"
        + "validation_loss,accuracy,validation_tokens,evaluation_seconds")
    #expect(found[3] == "3,0.3333333333333333,0.1,0.001,192,0.5,100,,,,")
    #expect(found[7] == "7,0.14285714285714285,0.1,0.001,448,0.5,100,nan,0.25,64,1")
    #expect(found.count == 22)
    var objects: [String] = []
    try HistoryTable(history, columns: ["validation_loss", "loss"]).jsonLines { objects.append($0) }
    #expect(objects[1] == "{\"step\":2,\"loss\":0.5}\n")
    #expect(objects[6] == "{\"step\":7,\"validation_loss\":\"NaN\",\"loss\":0.14285714285714285}\n")
  }

  /// Foundation reads numbers of many digits as decimals, and rounds these once more.
  @Test func numbersOfManyDigitsKeepTheirBits() throws {
    let texts = [
      "0.00030000000000000003", "0.2744485709081901", "0.27444857090819014", "1.9976572410000002",
    ]
    let lines = texts.enumerated().map { #"{"step":\#($0 + 1),"loss":\#($1)}"# }
    let table = try HistoryTable(history(lines))
    #expect(csv(table).dropFirst().dropLast() == texts.enumerated().map { "\($0 + 1),\($1)" }[...])
    var objects = ""
    table.jsonLines { objects += $0 }
    #expect(objects == lines.map { $0 + "\n" }.joined())
  }

  @Test func whatAStepHasIsNoEvaluation() throws {
    let history = try history([
      #"{"step":1,"loss":1,"epsilon":0.5,"clients":3}"#,
      #"{"step":1,"validation_loss":2,"r2":0.5}"#,
      #"{"step":2,"loss":1,"epsilon":0.6,"clients":3}"#,
    ])
    #expect(history.rows.map(\.isEvaluated) == [true, false])
    #expect(history.rows[0].evaluated == ["validation_loss", "r2"])
    #expect(history.columns == ["loss", "clients", "epsilon", "validation_loss", "r2"])
  }

  @Test func someStepsAreTakenWithEvaluationsAndTheLast() throws {
    let found = csv(try HistoryTable(history(Self.lines), columns: ["loss"], every: 6))
    #expect(
      found.map { $0.split(separator: ",").first.map(String.init) ?? "" }
        == ["step", "6", "7", "12", "18", "20", ""])
    let history = try history(Self.lines)
    #expect(HistoryTable.interval(for: history, rows: 40) == 1)
    #expect(HistoryTable.interval(for: history, rows: 9) == 5)
    #expect(HistoryTable.interval(for: history, rows: 2) == 10)
  }

  @Test(arguments: [200, 100, 60, 30])
  func aTableFitsItsWidth(width: Int) throws {
    let text = try HistoryTable(history(Self.lines)).text(width: width)
    let lines = text.split(separator: "\n")
    let table = lines.prefix(21)
    #expect(table.allSatisfy { $0.count <= width && $0.count <= table[0].count })
    #expect(table[0].contains("loss"))
    #expect(text.contains("not shown, for want of room") == (width < 130))
  }

  @Test func whatIsNotThereIsNamed() throws {
    let history = try history(Self.lines)
    let error = #expect(throws: HistoryError.self) {
      try HistoryTable(history, columns: ["lost"])
    }
    #expect(
      "\(try #require(error))".contains("there is no lost; there are step, loss, gradient_norm"))
    #expect(throws: HistoryError.noMetrics(path: folder.path + "/metrics.json")) {
      try RunHistory(path: folder.path + "/metrics.json")
    }
    #expect(throws: HistoryError.self) { try self.history([#"{"step":1,"samples":[]}"#]) }
  }
}
