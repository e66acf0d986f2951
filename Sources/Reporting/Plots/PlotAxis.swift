import Foundation

/// Values along a line of an image, and the values that are worth a label.
package struct PlotAxis: Sendable {
  package enum Scale: Sendable {
    case linear, log
  }

  package let low: Double
  package let high: Double
  package let scale: Scale
  /// Where `low` and `high` lie, in pixels.
  package let start: Double
  package let end: Double

  /// An axis wide enough for some values.
  ///
  /// - Parameters:
  ///   - values: Finite; with `.log` those above 0 count.
  ///   - start: Where the lowest lies, in pixels.
  ///   - end: Where the highest lies.
  package init(_ values: [Double], scale: Scale = .linear, from start: Double, to end: Double) {
    let shown = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
    let (low, high) = (shown.min() ?? (scale == .log ? 0.1 : 0), shown.max() ?? 1)
    (self.scale, self.start, self.end) = (scale, start, end)
    if low < high {
      (self.low, self.high) = (low, high)
    } else {
      // A single value lies in the middle.
      let margin = low == 0 ? 1 : abs(low) / 2
      (self.low, self.high) = scale == .log ? (low / 2, high * 2) : (low - margin, high + margin)
    }
  }

  private func along(_ value: Double) -> Double { scale == .log ? Foundation.log(value) : value }

  /// Where a value lies, in pixels; beyond the ends where it is beyond the values.
  package func position(_ value: Double) -> Double {
    // Of halves, where the difference of finite values overflows.
    let unit = (along(high) - along(low)).isFinite ? 1 : 0.5
    let (value, low, high) = (along(value) * unit, along(low) * unit, along(high) * unit)
    let share = (value - low) / (high - low)
    return start + (end - start) * share
  }

  /// Round values within the axis, about five.
  package var ticks: [Double] {
    if scale == .log {
      let exponents = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
      let steps = exponents.count > 3 ? [1.0] : [1, 2, 5]
      let every = max(1, exponents.count / 6)
      let ticks = exponents.filter { $0.isMultiple(of: every) }.flatMap { exponent in
        steps.map { $0 * pow(10, Double(exponent)) }
      }.filter { (low...high).contains($0) }
      if ticks.count > 1 { return ticks }
    }
    let span = high - low
    let unit = pow(10, log10(span / 5).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * unit }.first { span / $0 <= 6 } ?? unit
    // The ends alone, where values are too far apart to be subtracted, or too close to be counted.
    guard span.isFinite, let first = Int(exactly: (low / step).rounded(.up)),
      let last = Int(exactly: (high / step).rounded(.down))
    else { return [low, high] }
    return first <= last ? (first...last).map { Double($0) * step } : [low, high]
  }

  /// Three significant digits, without zeros at the end: `0.003`, `1e-5`, `1200`.
  package static func label(_ value: Double) -> String {
    let text = String(format: "%.3g", value)
    guard let power = text.firstIndex(of: "e") else { return text }
    let exponent = Int(text[text.index(after: power)...]) ?? 0
    // Numbers of up to seven digits read better written out.
    return (0..<7).contains(exponent)
      ? String(format: "%.0f", value) : "\(text[..<power])e\(exponent)"
  }
}

/// Pieces of SVG that plots share.
package enum SVG {
  /// Tenths of a pixel are as good as all.
  package static func pixel(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return Int(exactly: tenths).map { "\($0)" } ?? "\(tenths)"
  }

  package static func points(_ points: [(x: Double, y: Double)]) -> String {
    points.map { "\(pixel($0.x)),\(pixel($0.y))" }.joined(separator: " ")
  }
}
