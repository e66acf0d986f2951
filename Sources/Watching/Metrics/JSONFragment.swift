import Foundation
import LockstepFiles

/// Pieces of JSON.
enum JSONFragment {
  /// A number; `null` where it is not finite.
  ///
  /// - Parameter isShort: Whether the digits of a 32-bit number do.
  static func number(_ value: Double, isShort: Bool = false) -> String {
    guard value.isFinite else { return "null" }
    if let whole = Int(exactly: value), whole.magnitude < 1 << 53 { return String(whole) }
    let short = Float(value)
    return isShort && short.isFinite && (short != 0 || value == 0)
      ? short.description : value.description
  }

  static func quoted(_ text: String) -> String {
    do {
      return String(decoding: try JSONFormat.encoder().encode(text), as: UTF8.self)
    } catch {
      preconditionFailure("every text can be written as JSON: \(error)")
    }
  }
}
