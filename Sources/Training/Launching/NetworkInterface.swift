import Foundation

/// The interface that messages leave this host by, as the system's counters tell.
package struct NetworkInterface {
  /// Bytes that each interface has sent, by name.
  package let sent: [String: Double]

  /// Of the network that this process sees; empty where the system does not count.
  static var current: NetworkInterface {
    let text = (try? String(contentsOfFile: "/proc/self/net/dev", encoding: .utf8)) ?? ""
    return NetworkInterface(text: text)
  }

  /// - Parameter text: As of `/proc/net/dev`: a line for each interface, whose ninth number is the bytes
  ///   that it has sent.
  package init(text: String) {
    var sent: [String: Double] = [:]
    for line in text.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let numbers = line[line.index(after: colon)...].split(separator: " ")
      guard numbers.count > 8, let bytes = Double(numbers[8]) else { continue }
      sent[line[..<colon].trimmingCharacters(in: .whitespaces)] = bytes
    }
    self.sent = sent
  }

  /// The one that has sent the most since `before`; nil where none has sent half of what was to be, because
  /// messages go by what the system does not count.
  ///
  /// Where one interface is made of others, as a bond is, they count the same bytes, and the first by name
  /// is given.
  package func carrier(of bytes: Double, since before: NetworkInterface) -> String? {
    let grown = sent.map { name, count in (name, count - (before.sent[name] ?? 0)) }
      .filter { $0.1 >= bytes / 2 }.sorted { $0.0 < $1.0 }
    return grown.max { $0.1 < $1.1 }?.0
  }
}
