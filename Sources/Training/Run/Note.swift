import Foundation
import LockstepFiles

/// Values as text in a checkpoint's notes. Numbers come back with all their bits.
enum Note {
  static func text(_ value: some Encodable) -> String? {
    (try? JSONFormat.encoder().encode(value)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// - Returns: Nil where there is no text, or not that of such a value.
  static func value<Value: Decodable>(_ text: String?) -> Value? {
    text.flatMap { try? JSONFormat.decoder.decode(Value.self, from: Data($0.utf8)) }
  }
}
