/// Unicode's canonical forms: what characters are decomposed into, and which are composed again.
///
/// Source: Unicode Standard Annex 15; the mappings are those that Hugging Face's `tokenizers` has.
struct CanonicalForms: Sendable {
  /// What a scalar is decomposed into in one step: one scalar, or two.
  private var decompositions: [UInt32: (first: UInt32, second: UInt32)] = [:]
  /// The scalar that two are composed to, by the first in the high half.
  private var compositions: [UInt64: UInt32] = [:]
  /// Of scalars that are not a base for themselves.
  private var combiningClasses: [UInt32: UInt8] = [:]

  init() {
    let mappings = CanonicalMappings()
    mappings.forEachDecomposition { scalar, first, second, isComposed in
      decompositions[scalar] = (first, second)
      if isComposed { compositions[Self.pair(first, second)] = scalar }
    }
    mappings.forEachCombiningClass { scalar, combiningClass in
      combiningClasses[scalar] = combiningClass
    }
  }

  private static func pair(_ first: UInt32, _ second: UInt32) -> UInt64 {
    UInt64(first) << 32 | UInt64(second)
  }

  /// The decomposed form (NFD); nil: the text has it.
  ///
  /// - Parameter text: UTF-8; bytes that are none stay, and nothing is moved across them.
  func decomposed(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    // Of Latin-1 the letters with accents begin with C3.
    changed(text, below: 0xC3) { $0 }
  }

  /// The composed form (NFC); nil: the text has it.
  ///
  /// - Parameter text: As of ``decomposed(_:)``.
  func composed(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
    // U+0300 is the first scalar that is composed with one before it, or is not its own form.
    changed(text, below: 0xCC, compose)
  }

  /// - Parameters:
  ///   - first: Texts all of whose bytes are less stay as they are.
  ///   - finish: What is made of decomposed scalars.
  private func changed(
    _ text: UnsafeRawBufferPointer, below first: UInt8, _ finish: ([UInt32]) -> [UInt32]
  ) -> [UInt8]? {
    guard text.contains(where: { $0 >= first }) else { return nil }
    var result: [UInt8] = []
    result.reserveCapacity(text.count + text.count / 8)
    var scalars: [UInt32] = []
    func flush() {
      for value in finish(scalars) {
        if let scalar = Unicode.Scalar(value), let bytes = UTF8.encode(scalar) {
          result.append(contentsOf: bytes)
        }
      }
      scalars.removeAll(keepingCapacity: true)
    }
    UTF8Scalar.forEachOrByte(in: text) { scalar, byte in
      guard let scalar else {
        flush()
        result.append(byte)
        return
      }
      // Nothing goes across ASCII, which is always a base and never a second part.
      if scalar.isASCII, !scalars.isEmpty { flush() }
      decompose(scalar.value, into: &scalars)
    }
    flush()
    return result
  }

  /// Appends a scalar's parts, marks in the order of their classes.
  private func decompose(_ scalar: UInt32, into scalars: inout [UInt32]) {
    // Nothing of Bopomofo, the ideographs and Yi is decomposed or moved, and texts are long in them.
    if (0x3100...0xA000).contains(scalar) {
      scalars.append(scalar)
      return
    }
    if let (first, second) = Self.syllable(scalar) {
      decompose(first, into: &scalars)
      scalars.append(second)
      return
    }
    if scalar >= 0xC0, let (first, second) = decompositions[scalar] {
      decompose(first, into: &scalars)
      if second != 0 { decompose(second, into: &scalars) }
      return
    }
    scalars.append(scalar)
    guard scalar >= 0x300, let own = combiningClasses[scalar] else { return }
    var position = scalars.count - 1
    while position > 0, let other = combiningClasses[scalars[position - 1]], other > own {
      scalars.swapAt(position, position - 1)
      position -= 1
    }
  }

  /// Puts together what can be.
  private func compose(_ scalars: [UInt32]) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(scalars.count)
    var base: Int?
    /// Of the last scalar behind the base that stayed; 0: none did.
    var lastClass: UInt8 = 0
    for scalar in scalars {
      let own = scalar >= 0x300 ? combiningClasses[scalar] ?? 0 : 0
      if let place = base {
        let isNext = place == result.count - 1
        let isBlocked = !isNext && (lastClass >= own || lastClass == 0)
        if !isBlocked, let composed = composition(result[place], scalar) {
          result[place] = composed
          continue
        }
      }
      if own == 0 { base = result.count }
      lastClass = own
      result.append(scalar)
    }
    return result
  }

  private func composition(_ first: UInt32, _ second: UInt32) -> UInt32? {
    Self.composedSyllable(first, second) ?? compositions[Self.pair(first, second)]
  }

  // MARK: Hangul, whose syllables follow from their numbers.

  private static let (firstSyllable, syllableCount): (UInt32, UInt32) = (0xAC00, 11172)
  private static let (firstLead, leadCount): (UInt32, UInt32) = (0x1100, 19)
  private static let (firstVowel, vowelCount): (UInt32, UInt32) = (0x1161, 21)
  /// The one before the first tail: "no tail".
  private static let (noTail, tailCount): (UInt32, UInt32) = (0x11A7, 28)

  /// A syllable as lead and vowel, or as that and a tail.
  private static func syllable(_ scalar: UInt32) -> (UInt32, UInt32)? {
    guard scalar >= firstSyllable, scalar < firstSyllable + syllableCount else { return nil }
    let index = scalar - firstSyllable
    let tail = index % tailCount
    if tail != 0 { return (scalar - tail, noTail + tail) }
    let pair = index / tailCount
    return (firstLead + pair / vowelCount, firstVowel + pair % vowelCount)
  }

  private static func composedSyllable(_ first: UInt32, _ second: UInt32) -> UInt32? {
    if first >= firstLead, first < firstLead + leadCount, second >= firstVowel,
      second < firstVowel + vowelCount
    {
      return firstSyllable + ((first - firstLead) * vowelCount + second - firstVowel) * tailCount
    }
    if first >= firstSyllable, first < firstSyllable + syllableCount,
      (first - firstSyllable) % tailCount == 0, second > noTail, second < noTail + tailCount
    {
      return first + second - noTail
    }
    return nil
  }
}
