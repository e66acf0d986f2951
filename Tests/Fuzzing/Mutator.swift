import Foundation
import TestSupport

/// Damages a file as its format invites to. A quarter of all damage knows nothing of the format.
struct Mutator {
  var generator: SeededGenerator

  /// True `count` times in `total`.
  mutating func chance(_ count: Int, of total: Int) -> Bool {
    Int.random(in: 0..<total, using: &generator) < count
  }

  mutating func pick<Element>(_ choices: [Element]) -> Element {
    choices[Int.random(in: 0..<choices.count, using: &generator)]
  }

  /// - Parameters:
  ///   - name: Its ending says what the file is.
  ///   - folder: Holds what a compressed file was made from, under its name without `.gz`.
  mutating func damaged(_ bytes: [UInt8], name: String, in folder: URL) -> [UInt8] {
    var result = bytes
    // Mostly one damage: many at once are refused for the first.
    let count = pick([1, 1, 1, 2, 4])
    for _ in 0..<count {
      if chance(1, of: 4) {
        result = blindly(result)
        continue
      }
      switch (name as NSString).pathExtension {
      case "json": result = json(result)
      case "jsonl": result = lines(result)
      case "yaml": result = chance(1, of: 2) ? yaml(result) : lines(result)
      case "safetensors": result = safetensors(result)
      case "encrypted": result = encrypted(result)
      case "bin", "idx": result = words(result)
      case "gz":
        let inner = (name as NSString).deletingPathExtension
        let content = (try? Data(contentsOf: folder.appending(path: inner))) ?? Data()
        return Gzip.stored(damaged([UInt8](content), name: inner, in: folder))
      default: result = lines(result)
      }
    }
    return result
  }

  // MARK: - Bytes

  /// Numbers at which arithmetic goes wrong.
  static let numbers: [Int64] = [
    0, 1, -1, 2, 127, 128, 255, 256, 32_767, 65_535, 65_536, 1 << 31 - 1, 1 << 31, 1 << 32,
    -(1 << 31), 1 << 53, 1 << 62, .max, .min,
  ]

  /// Damages bytes whatever they mean.
  mutating func blindly(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    guard !result.isEmpty else { return [UInt8.random(in: 0...255, using: &generator)] }
    let place = Int.random(in: 0..<result.count, using: &generator)
    let length = min(result.count - place, pick([1, 2, 3, 4, 8, 16, 64, 1024]))
    let range = place..<place + length
    switch Int.random(in: 0..<7, using: &generator) {
    case 0: result[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: result[place] = pick([0, 1, 0x7F, 0x80, 0xFE, 0xFF, 0x0A, 0x0D, 0x22, 0x5C])
    case 2: result.removeSubrange(range)
    case 3: result.insert(contentsOf: result[range], at: place)
    case 4: result.removeLast(result.count - place)
    case 5:
      for index in range { result[index] = UInt8.random(in: 0...255, using: &generator) }
    default:
      let other = Int.random(in: 0..<result.count, using: &generator)
      result.insert(contentsOf: result[other..<min(other + length, result.count)], at: place)
    }
    return result
  }

  /// Damages a word of 16, 32 or 64 bits, in the first kilobyte as a rule, in either order of bytes.
  mutating func words(_ bytes: [UInt8]) -> [UInt8] {
    var result = bytes
    let width = pick([2, 4, 4, 8])
    guard result.count >= width else { return blindly(result) }
    let end = chance(3, of: 4) ? min(64, result.count) : result.count
    let slot = Int.random(in: 0..<max(1, end / width), using: &generator) * width
    guard slot + width <= result.count else { return blindly(result) }
    let number = UInt64(bitPattern: pick(Self.numbers))
    let isBig = chance(1, of: 4)
    for index in 0..<width {
      let shift = UInt64(8 * (isBig ? width - 1 - index : index))
      result[slot + index] = UInt8(truncatingIfNeeded: number >> shift)
    }
    return result
  }

  /// Damages a text line by line.
  mutating func lines(_ bytes: [UInt8]) -> [UInt8] {
    var lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false).map(Array.init)
    let place = Int.random(in: 0..<lines.count, using: &generator)
    switch Int.random(in: 0..<7, using: &generator) {
    case 0: lines.remove(at: place)
    case 1: lines.insert(lines[place], at: place)
    case 2: lines.swapAt(place, Int.random(in: 0..<lines.count, using: &generator))
    case 3: lines[place] = blindly(lines[place])
    case 4: lines[place] += Array(pick(Self.words).utf8)
    case 5: lines[place] = Array(pick(Self.words).utf8)
    default:
      // A field in place of another.
      var fields = lines[place].split(separator: 0x2C, omittingEmptySubsequences: false)
      let field = Int.random(in: 0..<fields.count, using: &generator)
      fields[field] = ArraySlice(pick(Self.words).utf8)
      lines[place] = Array(fields.joined(separator: [0x2C]))
    }
    return Array(lines.joined(separator: [pick([0x0A, 0x0A, 0x0A, 0x0D])]))
  }

  /// What texts say that readers trip over.
  static let words = [
    "", " ", "\t", "\0", "\u{FEFF}", "\r", "\u{2028}", "\u{85}", "\"", "\"\"", "'", ",", ",,,", "#",
    "nan", "inf", "-inf", "1e999", "-0", "0x10", "1e-400", "9223372036854775808", "-1", "null", "~",
    "true", "é", "\u{1F600}", "\u{1B}[31m", "../../x", "[", "]", "{", "}", ":", "- ", "|", ">",
    String(repeating: "9", count: 400), String(repeating: "a", count: 70_000),
  ]
}

/// Compressed files of any content.
enum Gzip {
  /// A member whose blocks are stored as they are, with the right check.
  static func stored(_ content: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255]
    var rest = content[...]
    repeat {
      let block = rest.prefix(65_535)
      rest = rest.dropFirst(block.count)
      let count = UInt16(block.count)
      bytes.append(rest.isEmpty ? 1 : 0)
      for word in [count, ~count] { bytes += [UInt8(word & 255), UInt8(word >> 8)] }
      bytes += block
    } while !rest.isEmpty
    for word in [check(content), UInt32(truncatingIfNeeded: content.count)] {
      bytes += (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(8 * $0)) }
    }
    return bytes
  }

  /// CRC-32 of RFC 1952.
  private static func check(_ content: [UInt8]) -> UInt32 {
    ~content.reduce(0xFFFF_FFFF as UInt32) { crc, byte in
      (0..<8).reduce(crc ^ UInt32(byte)) { crc, _ in
        crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1
      }
    }
  }
}
