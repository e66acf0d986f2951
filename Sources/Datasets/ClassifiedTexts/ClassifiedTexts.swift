/// Texts as tokens, one after the other, each with its class.
public struct ClassifiedTexts: Sendable, Equatable {
  /// The file that they came from.
  public let path: String
  /// Of all texts, what a model's template puts around them included.
  public let tokens: [Int32]
  /// Where each text ends among the tokens.
  public let ends: [Int]
  /// Each in 0 ..< the number of classes.
  public let classes: [Int32]
  /// How many of the texts were cut.
  public let cutCount: Int

  /// How many texts there are.
  public var count: Int { classes.count }

  /// Cuts texts into tokens.
  ///
  /// - Parameters:
  ///   - texts: At least one.
  ///   - path: The file that they came from.
  ///   - classes: All classes in the order of their numbers.
  ///   - tokenizer: Of the model.
  ///   - context: The most tokens of a text: longer ones are cut.
  /// - Throws: `SampleDataError` for a text of another class, one that the tokenizer can not express, or one
  ///   that has no tokens.
  public init(
    _ texts: [LabeledText], path: String, classes: [String], tokenizer: any Tokenizer,
    context: Int
  ) throws(SampleDataError) {
    let numberOf = Dictionary(
      classes.enumerated().map { ($1, Int32($0)) }, uniquingKeysWith: { first, _ in first })
    var (tokens, ends, numbers, cutCount): ([Int32], [Int], [Int32], Int) = ([], [], [], 0)
    for text in texts {
      guard let number = numberOf[text.label] else {
        throw .unknownClass(
          path: path, place: "line \(text.line)", found: "\"\(text.label)\"",
          expected: "one of those learned from: \(classes.joined(separator: ", "))")
      }
      do throws(TokenizerError) {
        let input = try tokenizer.encodeInput(text.text, limit: context)
        tokens += input.tokens
        if input.isCut { cutCount += 1 }
      } catch {
        throw .notExpressible(path: path, line: text.line, reason: "\(error)")
      }
      guard tokens.count > ends.last ?? 0 else {
        throw .notExpressible(path: path, line: text.line, reason: "the text has no tokens")
      }
      ends.append(tokens.count)
      numbers.append(number)
    }
    (self.path, self.tokens, self.ends) = (path, tokens, ends)
    (self.classes, self.cutCount) = (numbers, cutCount)
  }

  /// The tokens of a text.
  ///
  /// - Parameter index: In 0 ..< count.
  public subscript(index: Int) -> ArraySlice<Int32> {
    tokens[(index == 0 ? 0 : ends[index - 1])..<ends[index]]
  }
}

extension ClassifiedTexts {
  /// These texts and, behind them, others of the same classes.
  package func appending(_ other: ClassifiedTexts) -> ClassifiedTexts {
    ClassifiedTexts(
      path: path, tokens: tokens + other.tokens, ends: ends + other.ends.map { $0 + tokens.count },
      classes: classes + other.classes, cutCount: cutCount + other.cutCount)
  }

  /// One of the texts, under the class behind its own.
  ///
  /// - Parameter classCount: Behind the last one of so many is the first.
  package func one(_ index: Int, underNextClassOf classCount: Int) -> ClassifiedTexts {
    let text = Array(self[index])
    return ClassifiedTexts(
      path: path, tokens: text, ends: [text.count],
      classes: [(classes[index] + 1) % Int32(classCount)], cutCount: 0)
  }

  private init(path: String, tokens: [Int32], ends: [Int], classes: [Int32], cutCount: Int) {
    (self.path, self.tokens, self.ends) = (path, tokens, ends)
    (self.classes, self.cutCount) = (classes, cutCount)
  }
}

extension ClassifiedTexts {
  /// The texts as bytes, for other ranks.
  package var bytes: [UInt8] {
    let numbers = [Int32(classes.count), Int32(cutCount)] + classes + lengths + tokens
    return numbers.withUnsafeBytes(Array.init)
  }

  /// - Parameters:
  ///   - bytes: What `bytes` gave.
  ///   - path: The file that they came from.
  package init(bytes: [UInt8], path: String) {
    let numbers = bytes.withUnsafeBytes { buffer in
      stride(from: 0, to: buffer.count, by: 4).map {
        buffer.loadUnaligned(fromByteOffset: $0, as: Int32.self)
      }
    }
    let count = Int(numbers[0])
    self.path = path
    cutCount = Int(numbers[1])
    classes = Array(numbers[2..<2 + count])
    var end = 0
    ends = numbers[2 + count..<2 + 2 * count].map {
      end += Int($0)
      return end
    }
    tokens = Array(numbers[(2 + 2 * count)...])
  }

  /// Tokens of each text.
  private var lengths: [Int32] { zip(ends, [0] + ends).map { Int32($0 - $1) } }
}
