import Foundation

/// How far long work has come, as people read it: "encoding  45 %  12.3 of 27.0 MB  8.1 MB/s  1.8 s left".
package struct ProgressText: Sendable {
  /// What is counted.
  package enum Unit: Sendable {
    case bytes
    /// Anything else: "batches".
    case things(String)
  }

  package let label: String
  package let unit: Unit

  package init(_ label: String, unit: Unit) {
    (self.label, self.unit) = (label, unit)
  }

  /// - Parameters:
  ///   - done: How many are done.
  ///   - total: How many there are; nil where nobody knows.
  ///   - seconds: Since the work began.
  package func line(done: Int, of total: Int?, seconds: Double) -> String {
    let speed = seconds > 0 ? Double(done) / seconds : 0
    var parts = [label]
    let largest = max(done, total ?? 0)
    if let total, total > 0 {
      parts.append("\(100 * min(done, total) / total) %")
      parts.append(
        "\(amount(done, beside: largest)) of \(amount(total, beside: largest)) \(unitName(largest))"
      )
    } else {
      parts.append("\(amount(done, beside: largest)) \(unitName(largest))")
    }
    if case .bytes = unit, seconds >= 0.5, speed >= 0.05e6 {
      parts.append(String(format: "%.1f MB/s", speed / 1e6))
    }
    // The first moments say little of the rest.
    if let total, done > 0, done < total, seconds >= 1 {
      parts.append("\(Quantity.duration(Double(total - done) / speed)) left")
    }
    return parts.joined(separator: "  ")
  }

  /// - Parameter largest: Decides whether bytes are counted by the million or by the thousand.
  private func unitName(_ largest: Int) -> String {
    switch unit {
    case .bytes: largest < 1_000_000 ? "kB" : "MB"
    case .things(let name): name
    }
  }

  private func amount(_ count: Int, beside largest: Int) -> String {
    switch unit {
    case .bytes: String(format: "%.1f", Double(count) / (largest < 1_000_000 ? 1e3 : 1e6))
    case .things: Quantity.count(count)
    }
  }
}
