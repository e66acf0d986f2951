import Foundation
import LockstepFiles
import LockstepOptimization
import LockstepSettings

/// Values as text in a checkpoint's notes. Numbers come back with all their bits.
enum Note {
  /// - Throws: `EncodingError`; a note is never left out, for the run would go on without.
  static func text(_ value: some Encodable) throws -> String {
    String(decoding: try JSONFormat.encoder().encode(value), as: UTF8.self)
  }

  /// - Returns: Nil where there is no such note: the run did without, so far.
  /// - Throws: `DescriptionError` where there is one that says what no run can have come to. It is not
  ///   taken for none: the run would go on to other bits without a word.
  static func value<Value: Configurable>(
    _ name: String, in notes: [String: String]
  ) throws(DescriptionError) -> Value? {
    guard let text = notes[name] else { return nil }
    return try Value(description: text.utf8, path: name)
  }

  /// Whether a note says `true`; false where there is no such note.
  ///
  /// - Throws: `DescriptionError` where it says neither `true` nor `false`.
  static func flag(_ name: String, in notes: [String: String]) throws(DescriptionError) -> Bool {
    guard let text = notes[name] else { return false }
    if let flag = Bool(text) { return flag }
    throw DescriptionError(path: name, problems: ["found '\(text)', expected true or false"])
  }

  /// That the evaluation after a checkpoint's step was left, and is still to be made.
  static let evaluationOwed = "evaluation_owed"

  /// Reads what there is of the notes that any run may have; an optimiser's own are left to it.
  static func requireReadable(_ notes: [String: String]) throws(DescriptionError) {
    let _: OutlierDetector? = try value("outliers", in: notes)
    let _: PlateauShape.Memory? = try value("plateau", in: notes)
    let _: EarlyStopping? = try value("early_stopping", in: notes)
    let _: PrivateTraining.Memory? = try value(PrivateTraining.noteName, in: notes)
    _ = try flag(evaluationOwed, in: notes)
  }
}
