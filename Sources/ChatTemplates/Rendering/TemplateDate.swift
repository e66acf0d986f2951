import Foundation

/// A day and time, as a template writes it with `strftime_now`.
public struct TemplateDate: Sendable, Equatable {
  public let year: Int
  /// 1 ... 12.
  public let month: Int
  public let day: Int
  public let hour: Int
  public let minute: Int
  public let second: Int

  /// A day's beginning.
  ///
  /// - Parameter text: "2026-11-28".
  /// - Returns: nil for what is no day.
  public init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2],
      parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
      let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
      year > 0, 1...12 ~= month, day >= 1, day <= Self.dayCount(of: month, year)
    else { return nil }
    self.init(year: year, month: month, day: day)
  }

  private init(year: Int, month: Int, day: Int, hour: Int = 0, minute: Int = 0, second: Int = 0) {
    (self.year, self.month, self.day) = (year, month, day)
    (self.hour, self.minute, self.second) = (hour, minute, second)
  }

  /// Now, where this machine is.
  public static var now: TemplateDate {
    var seconds = time(nil)
    var parts = tm()
    localtime_r(&seconds, &parts)
    return TemplateDate(
      year: Int(parts.tm_year) + 1900, month: Int(parts.tm_mon) + 1, day: Int(parts.tm_mday),
      hour: Int(parts.tm_hour), minute: Int(parts.tm_min), second: Int(parts.tm_sec))
  }

  /// As `--date` takes it.
  public var description: String { "\(padded(year, 4))-\(padded(month))-\(padded(day))" }

  private static func dayCount(of month: Int, _ year: Int) -> Int {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  private static let days = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ]

  /// Days of the year before this one.
  private var dayOfYear: Int {
    (1..<month).reduce(day - 1) { $0 + Self.dayCount(of: $1, year) }
  }

  /// Monday is 0.
  private var weekday: Int {
    let years = year - 1
    return (365 * years + years / 4 - years / 100 + years / 400 + dayOfYear) % 7
  }

  private func padded(_ value: Int, _ width: Int = 2, with sign: String = "0") -> String {
    let digits = "\(value)"
    return String(repeating: sign, count: max(0, width - digits.utf8.count)) + digits
  }

  /// The date in a format of C's `strftime`, in English.
  func text(format: String, in renderer: TemplateRenderer) throws -> String {
    var text = ""
    var scalars = format.unicodeScalars.makeIterator()
    while let scalar = scalars.next() {
      guard scalar == "%" else {
        text.unicodeScalars.append(scalar)
        continue
      }
      var directive = scalars.next()
      let isBare = directive == "-"
      if isBare { directive = scalars.next() }
      guard let directive, let part = part(directive, isBare: isBare) else {
        throw renderer.lacking(
          "'%\(isBare ? "-" : "")\(directive.map(String.init) ?? "")' in strftime_now")
      }
      text += part
    }
    return text
  }

  /// - Parameter isBare: Without zeros in front.
  private func part(_ directive: Unicode.Scalar, isBare: Bool) -> String? {
    func number(_ value: Int, _ width: Int = 2) -> String {
      isBare ? "\(value)" : padded(value, width)
    }
    let twelve = hour % 12 == 0 ? 12 : hour % 12
    switch directive {
    case "d": return number(day)
    case "m": return number(month)
    case "y": return number(year % 100)
    case "H": return number(hour)
    case "I": return number(twelve)
    case "M": return number(minute)
    case "S": return number(second)
    case "j": return number(dayOfYear + 1, 3)
    default: break
    }
    guard !isBare else { return nil }
    switch directive {
    case "Y": return "\(year)"
    case "e": return padded(day, with: " ")
    case "b", "h": return String(Self.months[month - 1].prefix(3))
    case "B": return Self.months[month - 1]
    case "a": return String(Self.days[weekday].prefix(3))
    case "A": return Self.days[weekday]
    case "p": return hour < 12 ? "AM" : "PM"
    case "F": return "\(year)-\(padded(month))-\(padded(day))"
    case "T": return "\(padded(hour)):\(padded(minute)):\(padded(second))"
    case "n": return "\n"
    case "t": return "\t"
    case "%": return "%"
    default: return nil
    }
  }
}
