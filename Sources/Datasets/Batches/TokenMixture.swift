/// Which file, and which piece of it, each training sequence reads where there are several files.
///
/// In every 64 sequences each file has its share, rounded so that the sums over all sequences are
/// right, in an order that is drawn for these 64. A file's sequences are numbered for themselves and
/// read as if the file were alone (`WindowSampler`): each file is walked in epochs of its own,
/// whatever its weight.
///
/// Nothing is stored but the seed: the place of any sequence of any step is found in O(1), whatever
/// the number of ranks.
public struct TokenMixture: Sendable {
  /// One of the files.
  public struct Part: Sendable {
    public let file: TokenFile
    /// Share of the sequences, in 0 ... 1.
    public let share: Double
    /// Which window of the file is read when.
    public let sampler: WindowSampler
  }

  /// The files and their weights, in the order given.
  public let parts: [Part]
  private let seed: UInt64
  /// Each file's part of the sequences that the files before it leave, in 2⁻³².
  private let ratios: [UInt64]

  /// Sequences among which each file has its share.
  private static let blockLength = 64

  /// - Parameters:
  ///   - files: At least one, with their weights, which are above 0.
  ///   - context: T, positions of a sequence.
  ///   - seed: Decides the order of the files, and of the windows of each.
  /// - Throws: `TokenFileError.tooShort` if a file has fewer than T + 1 tokens.
  public init(
    _ files: [(file: TokenFile, weight: Double)], context: Int, seed: UInt64
  ) throws(TokenFileError) {
    precondition(
      !files.isEmpty && files.allSatisfy { $0.weight > 0 },
      "a mixture has at least one file, and each a weight above 0")
    self.seed = seed
    let total = files.reduce(0) { $0 + $1.weight }
    var parts: [Part] = []
    for (index, (file, weight)) in files.enumerated() {
      do throws(WindowSampler.TextTooShort) {
        // A file that is there twice is walked in two orders; the first file's is that of the seed.
        let sampler = try WindowSampler(
          tokenCount: file.count, context: context, seed: seed ^ Bits.mixed(UInt64(index)))
        parts.append(Part(file: file, share: weight / total, sampler: sampler))
      } catch {
        throw .tooShort(path: file.path, tokenCount: file.count, context: context)
      }
    }
    self.parts = parts
    ratios = files.indices.map { index in
      let rest = files[index...].reduce(0) { $0 + $1.weight }
      return UInt64(((files[index].weight / rest) * 0x1p32).rounded())
    }
  }

  /// T, positions of a sequence.
  public var context: Int { parts[0].sampler.context }

  /// The file that a sequence reads, and the position in it of the first token; T more follow it.
  ///
  /// - Parameter index: The sequence's number among all that are ever read, from zero.
  public func window(ofSample index: Int) -> (file: TokenFile, start: Int) {
    let (part, number) = place(ofSample: index)
    return (parts[part].file, parts[part].sampler.start(ofSample: number))
  }

  /// The file that a sequence reads, and the sequence's number among those of this file.
  package func place(ofSample index: Int) -> (part: Int, number: Int) {
    precondition(index >= 0)
    guard parts.count > 1 else { return (0, index) }
    let (block, place) = index.quotientAndRemainder(dividingBy: Self.blockLength)
    let before = counts(upTo: block * Self.blockLength)
    let after = counts(upTo: (block + 1) * Self.blockLength)
    let key = DrawPurpose.mixture.key(seed: seed, number: UInt64(block))
    let order = IndexPermutation(count: Self.blockLength, key: key)
    // The block's slots belong to the files side by side: to each as many as it reads sequences.
    var (chosen, slots) = (0, 0..<after[0] - before[0])
    while !slots.contains(order[place]) {
      chosen += 1
      slots = slots.upperBound..<slots.upperBound + after[chosen] - before[chosen]
    }
    let earlier = (0..<place).count { slots.contains(order[$0]) }
    return (chosen, before[chosen] + earlier)
  }

  /// How many of the first `total` sequences each file has.
  ///
  /// The first file gets its share, rounded down, the second its share of the rest, and so on: each
  /// count can only grow with the total, and together they are the total.
  private func counts(upTo total: Int) -> [Int] {
    var rest = total
    return ratios.map { ratio in
      let product = UInt64(rest).multipliedFullWidth(by: ratio)
      let count = Int(product.high << 32 | product.low >> 32)
      rest -= count
      return count
    }
  }
}
