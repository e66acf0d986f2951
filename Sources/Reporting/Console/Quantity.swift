import Foundation

/// Numbers as people read them.
package enum Quantity {
  /// 1234567 as `1,234,567`.
  package static func count(_ value: Int) -> String {
    let digits = String(value.magnitude)
    var grouped = ""
    for (index, digit) in digits.enumerated() {
      if index > 0 && (digits.count - index) % 3 == 0 { grouped.append(",") }
      grouped.append(digit)
    }
    return value < 0 ? "-" + grouped : grouped
  }

  /// With so many decimals, or as a power of ten where that would take too much room.
  package static func decimal(_ value: Double, _ decimals: Int) -> String {
    abs(value) < 10_000 || !value.isFinite
      ? String(format: "%.\(decimals)f", value) : String(format: "%.2e", value)
  }

  /// With at most four digits that say something: `0.1235`, `1235`, `1.235e-07`.
  package static func significant(_ value: Double) -> String { String(format: "%.4g", value) }

  /// 24310.4 as `24,310`.
  package static func rounded(_ value: Double) -> String {
    value.isFinite && abs(value) < 1e15 ? count(Int(value.rounded())) : "?"
  }

  /// 0.0003 as `3.00e-04`.
  package static func rate(_ value: Double) -> String { String(format: "%.2e", value) }

  /// `0.21 s`, `42 s`, `3m 05s`, `2h 07m`, `3d 04h`.
  package static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "?" }
    if seconds < 9.95 { return String(format: seconds < 0.995 ? "%.2f s" : "%.1f s", seconds) }
    let whole = Int(seconds.rounded())
    func pair(_ large: Int, _ largeUnit: String, _ small: Int, _ smallUnit: String) -> String {
      "\(large)\(largeUnit) \(small < 10 ? "0" : "")\(small)\(smallUnit)"
    }
    switch whole {
    case ..<60: return "\(whole) s"
    case ..<3600: return pair(whole / 60, "m", whole % 60, "s")
    case ..<86400: return pair(whole / 3600, "h", whole % 3600 / 60, "m")
    default: return pair(whole / 86400, "d", whole % 86400 / 3600, "h")
    }
  }
}
