import LockstepSettings

/// The `data.augmentation` section: how images are changed before each time that they are learned
/// from. Held-out images stay as they are.
public struct ImageAugmentation: Configurable {
  public var shift = 0
  public var flip = 0.0
  public var erase = 0

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "shift", \.shift, .within(0...1024),
        meaning: "Pixels by which an image is moved at most, up or down and left or right."),
      Field(
        "flip", \.flip, .within(0...1),
        meaning: "Share of the images that are mirrored, left for right."),
      Field(
        "erase", \.erase, .within(0...1024),
        meaning:
          "Side in pixels of a square, somewhere in or partly outside the image, that is set to 0 "
          + "after normalisation (Cutout: DeVries & Taylor 2017); `0` erases nothing."),
    ]
  }

  /// Whether images are changed at all.
  public var changesImages: Bool { shift > 0 || flip > 0 || erase > 0 }
}

/// What is done to one image: a function of (seed, the image's number among all that are ever read)
/// alone, so that any rank and any resumed run does the same.
struct ImageChange: Equatable {
  private(set) var down = 0
  private(set) var right = 0
  private(set) var isMirrored = false
  /// The rows and columns of the erased square, clipped to the image.
  private(set) var erasedRows = 0..<0
  private(set) var erasedColumns = 0..<0

  /// - Parameters:
  ///   - number: The image's number among all that are ever read, repetitions counted.
  ///   - seed: Decides all changes.
  init(_ augmentation: ImageAugmentation, height: Int, width: Int, number: Int, seed: UInt64) {
    let key = DrawPurpose.imageChanges.key(seed: seed, number: UInt64(number))
    var draws: UInt64 = 0
    /// The next number in 0 ..< count.
    func draw(below count: Int) -> Int {
      draws += 1
      let word = Bits.mixed(key &+ draws &* Bits.step)
      return Int(word.multipliedFullWidth(by: UInt64(count)).high)
    }
    down = draw(below: 2 * augmentation.shift + 1) - augmentation.shift
    right = draw(below: 2 * augmentation.shift + 1) - augmentation.shift
    isMirrored = Double(draw(below: 1 << 53)) * 0x1p-53 < augmentation.flip
    let (row, column) = (draw(below: height), draw(below: width))
    if augmentation.erase > 0 {
      erasedRows = Self.span(around: row, length: augmentation.erase, within: height)
      erasedColumns = Self.span(around: column, length: augmentation.erase, within: width)
    }
  }

  private static func span(around centre: Int, length: Int, within extent: Int) -> Range<Int> {
    let start = centre - length / 2
    return max(0, start)..<min(extent, start + length)
  }

  /// Where the pixel of the changed image at a place comes from; nil: it is blank.
  func source(row: Int, column: Int, height: Int, width: Int) -> (row: Int, column: Int)? {
    let from = (row: row - down, column: column - right)
    guard 0..<height ~= from.row, 0..<width ~= from.column else { return nil }
    return (from.row, isMirrored ? width - 1 - from.column : from.column)
  }

  /// Whether the pixel at a place is erased.
  func erases(row: Int, column: Int) -> Bool {
    erasedRows.contains(row) && erasedColumns.contains(column)
  }
}
