import Foundation
import LockstepFiles

/// Takes a line of `metrics.jsonl` apart without building a tree: a long run has millions of numbers.
///
/// A number of up to 15 digits is read exactly, one of more to two units in the last place, which no
/// curve shows.
struct MetricsLine {
  /// A member whose value is a number, or the text of one that is not finite.
  struct Member {
    /// Where the key is in the bytes, without its quotes.
    let key: Range<Int>
    let value: Double
  }

  /// The members of the line, or of one object of its list.
  typealias Members = [Member]

  private(set) var step: Int?
  private(set) var members: Members = []
  /// Of `ranks`: one list of members for each rank.
  private(set) var ranks: [Members] = []
  private(set) var hasRanks = false
  private(set) var hasSamples = false
  /// Whether there is the loss of a step, or of an evaluation.
  private(set) var (hasLoss, hasValidationLoss) = (false, false)

  private var position = 0
  private var end = 0

  /// Reads a line; what was read before is forgotten.
  ///
  /// - Parameters:
  ///   - bytes: A byte that is no part of a number must follow the range, as a line's end does.
  ///   - range: The line, without its end.
  /// - Returns: Whether it is a whole JSON object.
  mutating func read(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> Bool {
    (position, end) = (range.lowerBound, range.upperBound)
    step = nil
    members.removeAll(keepingCapacity: true)
    ranks.removeAll(keepingCapacity: true)
    (hasRanks, hasSamples, hasLoss, hasValidationLoss) = (false, false, false, false)
    guard object(bytes, isOutermost: true) else { return false }
    skipSpace(bytes)
    return position == end
  }

  // MARK: - Structure

  private mutating func skipSpace(_ bytes: UnsafeBufferPointer<UInt8>) {
    while position < end,
      bytes[position] == 0x20 || bytes[position] == 0x09
        || bytes[position] == 0x0D
    { position += 1 }
  }

  /// Steps over a character if it is the next.
  private mutating func take(_ character: UInt8, _ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    skipSpace(bytes)
    guard position < end, bytes[position] == character else { return false }
    position += 1
    return true
  }

  private mutating func object(
    _ bytes: UnsafeBufferPointer<UInt8>, isOutermost: Bool
  ) -> Bool {
    guard take(UInt8(ascii: "{"), bytes) else { return false }
    if take(UInt8(ascii: "}"), bytes) { return true }
    repeat {
      guard let key = text(bytes), take(UInt8(ascii: ":"), bytes),
        value(of: key, bytes, isOutermost)
      else { return false }
    } while take(UInt8(ascii: ","), bytes)
    return take(UInt8(ascii: "}"), bytes)
  }

  private mutating func value(
    of key: Range<Int>, _ bytes: UnsafeBufferPointer<UInt8>, _ isOutermost: Bool
  ) -> Bool {
    skipSpace(bytes)
    guard position < end else { return false }
    switch bytes[position] {
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      guard let number = number(bytes) else { return false }
      add(key, number, bytes, isOutermost)
      return true
    case UInt8(ascii: "\""):
      guard let text = text(bytes) else { return false }
      if text.count <= 9, let number = JSONFormat.number(Self.string(bytes, text)) {
        add(key, number, bytes, isOutermost)
      }
      return true
    case UInt8(ascii: "["):
      if isOutermost && Self.equals(bytes, key, "ranks") { return rankList(bytes) }
      if isOutermost && Self.equals(bytes, key, "samples") { hasSamples = true }
      return skipNested(bytes)
    case UInt8(ascii: "{"):
      return skipNested(bytes)
    default:
      let words: [StaticString] = ["true", "false", "null"]
      for word in words where Self.begins(bytes[position..<end], word) {
        position += word.utf8CodeUnitCount
        return true
      }
      return false
    }
  }

  private mutating func add(
    _ key: Range<Int>, _ number: Double, _ bytes: UnsafeBufferPointer<UInt8>, _ isOutermost: Bool
  ) {
    if isOutermost && step == nil && Self.equals(bytes, key, "step") {
      // What no step can be is no step.
      step = number >= 0 && number < 1e15 ? Int(number) : nil
      return
    }
    if isOutermost {
      if !hasLoss && Self.equals(bytes, key, "loss") { hasLoss = true }
      if !hasValidationLoss && Self.equals(bytes, key, "validation_loss") {
        hasValidationLoss = true
      }
    }
    members.append(Member(key: key, value: number))
  }

  private mutating func rankList(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    hasRanks = true
    let outer = members
    defer { members = outer }
    guard take(UInt8(ascii: "["), bytes) else { return false }
    if take(UInt8(ascii: "]"), bytes) { return true }
    repeat {
      members = []
      guard object(bytes, isOutermost: false) else { return false }
      ranks.append(members)
    } while take(UInt8(ascii: ","), bytes)
    return take(UInt8(ascii: "]"), bytes)
  }

  /// Steps over a list or an object, whatever is in it.
  private mutating func skipNested(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    var depth = 0
    repeat {
      guard position < end else { return false }
      switch bytes[position] {
      case UInt8(ascii: "\""):
        guard text(bytes) != nil else { return false }
        continue
      case UInt8(ascii: "["), UInt8(ascii: "{"): depth += 1
      case UInt8(ascii: "]"), UInt8(ascii: "}"): depth -= 1
      default: break
      }
      position += 1
    } while depth > 0
    return true
  }

  // MARK: - Values

  /// Steps over a text and returns where it is, without its quotes.
  private mutating func text(_ bytes: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
    guard take(UInt8(ascii: "\""), bytes) else { return nil }
    let start = position
    while position < end {
      switch bytes[position] {
      case UInt8(ascii: "\""):
        position += 1
        return start..<position - 1
      case UInt8(ascii: "\\"): position += 2
      default: position += 1
      }
    }
    return nil
  }

  private mutating func number(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
    let start = position
    let isNegative = bytes[position] == UInt8(ascii: "-")
    if isNegative { position += 1 }
    var (mantissa, digits, exponent) = (UInt64(0), 0, 0)
    var hasDigits = false
    func digit(_ place: Int) -> UInt64? {
      guard place < end else { return nil }
      let value = bytes[place] &- UInt8(ascii: "0")
      return value < 10 ? UInt64(value) : nil
    }
    while let value = digit(position) {
      hasDigits = true
      if digits < 19 {
        mantissa = mantissa &* 10 &+ value
        if mantissa != 0 { digits += 1 }
      } else {
        exponent += 1
      }
      position += 1
    }
    if position < end, bytes[position] == UInt8(ascii: ".") {
      position += 1
      while let value = digit(position) {
        hasDigits = true
        if digits < 19 {
          mantissa = mantissa &* 10 &+ value
          if mantissa != 0 { digits += 1 }
          exponent -= 1
        }
        position += 1
      }
    }
    guard hasDigits else { return nil }
    if position < end, bytes[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      var isBelow = false
      if position < end,
        bytes[position] == UInt8(ascii: "-") || bytes[position] == UInt8(ascii: "+")
      {
        isBelow = bytes[position] == UInt8(ascii: "-")
        position += 1
      }
      guard digit(position) != nil else { return nil }
      var power = 0
      while let value = digit(position) {
        if power < 10_000 { power = power * 10 + Int(value) }
        position += 1
      }
      exponent += isBelow ? -power : power
    }
    let magnitude: Double
    if mantissa == 0 {
      magnitude = 0
    } else if exponent >= 0 && exponent <= 22 {
      magnitude = Double(mantissa) * Self.powers[exponent]
    } else if exponent < 0 && exponent >= -22 {
      magnitude = Double(mantissa) / Self.powers[-exponent]
    } else {
      return Double(Self.string(bytes, start..<position))
    }
    return isNegative ? -magnitude : magnitude
  }

  /// Those that a double holds exactly.
  private static let powers: [Double] = (0...22).map { exponent in
    (0..<exponent).reduce(1) { power, _ in power * 10 }
  }

  static func string(_ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>) -> String {
    String(decoding: UnsafeBufferPointer(rebasing: bytes[range]), as: UTF8.self)
  }

  private static func begins(_ bytes: Slice<UnsafeBufferPointer<UInt8>>, _ word: StaticString)
    -> Bool
  {
    bytes.count >= word.utf8CodeUnitCount
      && equals(bytes.base, bytes.startIndex..<bytes.startIndex + word.utf8CodeUnitCount, word)
  }

  static func equals(
    _ bytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ word: StaticString
  ) -> Bool {
    guard range.count == word.utf8CodeUnitCount, let base = bytes.baseAddress else { return false }
    return memcmp(base + range.lowerBound, word.utf8Start, range.count) == 0
  }
}
