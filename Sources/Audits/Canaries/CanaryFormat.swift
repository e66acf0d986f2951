import LockstepDatasets

/// How canaries are written: a text with a digit in the place of each `#`, and a name in that of `@`.
///
/// Digits are the secret, and all of them together the space that it is one of. A name belongs to a canary alone, so
/// that one can not be told from another.
package struct CanaryFormat {
  package let text: String
  private let tokenizer: any Tokenizer
  /// Digits of a secret.
  package let digitCount: Int

  package static let standard = "The code of @ is ####."

  /// - Throws: `AuditError` where that is no format.
  package init(_ text: String, tokenizer: any Tokenizer) throws(AuditError) {
    digitCount = text.count { $0 == "#" }
    guard (1...12).contains(digitCount) else { throw .wrongFormat(text) }
    (self.text, self.tokenizer) = (text, tokenizer)
  }

  /// |R|.
  package var spaceCount: Int { (0..<digitCount).reduce(1) { product, _ in product * 10 } }

  /// What the model reads.
  ///
  /// - Parameters:
  ///   - secret: In 0 ..< |R|.
  ///   - name: Takes the place of `@`.
  /// - Throws: `AuditError` where the tokenizer can not express it.
  package func tokens(secret: Int, name: String) throws(AuditError) -> [Int32] {
    do throws(TokenizerError) {
      return try tokenizer.encode(written(secret: secret, name: name))
    } catch {
      throw .notExpressible(format: text, reason: "\(error)")
    }
  }

  package func written(secret: Int, name: String) -> String {
    var digits = String(secret)
    digits = String(repeating: "0", count: digitCount - digits.count) + digits
    var rest = digits[...]
    return String(
      text.flatMap { character -> [Character] in
        switch character {
        case "#": [rest.removeFirst()]
        case "@": Array(name)
        default: [character]
        }
      })
  }
}

/// One secret, and how often it is in the data.
package struct Canary {
  package let name: String
  package let secret: Int
  package let repetitions: Int

  /// Canaries with names and secrets of their own.
  ///
  /// - Parameters:
  ///   - repetitions: How often those of each group are in the data.
  ///   - count: Canaries of a group.
  ///   - spaceCount: |R|.
  package static func drawn(
    repetitions: [Int], count: Int, spaceCount: Int, _ draws: AuditDraws
  ) -> [Canary] {
    let (consonants, vowels) = (Array("bdfgklmnprstvz"), Array("aeiou"))
    let order = draws.some(
      repetitions.count * count, of: 0..<consonants.count * vowels.count * consonants.count,
      .secrets)
    return repetitions.enumerated().flatMap { group, times in
      (0..<count).map { index in
        let number = group * count + index
        var place = order[number]
        let letters = [consonants, vowels, consonants].map { alphabet in
          defer { place /= alphabet.count }
          return alphabet[place % alphabet.count]
        }
        return Canary(
          name: String(letters),
          secret: draws.number(below: spaceCount, .secrets, 1, at: number), repetitions: times)
      }
    }
  }
}
