extension ModelConversion.Outcome: CustomStringConvertible {
  /// The text that the command prints.
  public var description: String {
    let kinds = types.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      .map { "\($0.value) \($0.key)" }
    var lines = [
      "\(output): written, and read back",
      "  model              \(model)",
      "  parameters         \(parameters)",
      "  tensors            \(kinds.joined(separator: ", "))",
      "  largest rounding   \(largestError == 0 ? "none" : "\(Float(largestError))")",
    ]
    if !leftOut.isEmpty {
      lines.append("  left out           \(leftOut.joined(separator: ", "))")
    }
    if let merge {
      lines.append(
        "  adapter            changes \(merge.outputs) by \(Float(merge.change)) on average; merged, they are "
          + "\(Float(merge.meanError)) apart (\(merge.tokens) tokens of \(merge.text ?? "random ones"))"
      )
    }
    let width = files.map(\.name.count).max() ?? 0
    lines += files.map {
      "  \($0.name)\(String(repeating: " ", count: width - $0.name.count))  \($0.bytes) bytes"
    }
    return lines.joined(separator: "\n")
  }
}
