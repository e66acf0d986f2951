/// Amounts of memory in words.
enum ByteCount {
  /// "1.5 GiB".
  static func text(_ bytes: Double) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var (value, unit) = (bytes, 0)
    while value >= 1024 && unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
    return "\((value * 10).rounded() / 10) \(units[unit])"
  }
}
