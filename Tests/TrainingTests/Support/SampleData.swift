import Foundation
import LockstepTraining
import TestSupport

extension TemporaryFolder {
  func write(_ bytes: [UInt8], to name: String) throws -> String {
    try Data(bytes).write(to: URL(fileURLWithPath: path + "/" + name))
    return path + "/" + name
  }

  /// Images of 8 × 8 noisy pixels in IDX files; in those of class c the rows 2c and 2c + 1 are bright.
  ///
  /// - Returns: The paths of the images and of their labels.
  func writeImages(
    count: Int, classes: Int = 4, seed: UInt64 = 1, name: String = "train"
  ) throws -> (images: String, labels: String) {
    var generator = SeededGenerator(seed: seed)
    func header(_ dimensions: [Int]) -> [UInt8] {
      [0, 0, 8, UInt8(dimensions.count)]
        + dimensions.flatMap { [0, 0, UInt8($0 >> 8), UInt8($0 & 255)] }
    }
    let labels = (0..<count).map { _ in UInt8.random(in: 0..<UInt8(classes), using: &generator) }
    let pixels = labels.flatMap { label in
      (0..<64).map { pixel in
        UInt8.random(in: pixel / 16 == Int(label) ? 60...255 : 0...200, using: &generator)
      }
    }
    return (
      try write(header([count, 8, 8]) + pixels, to: name + "-images"),
      try write(header([count]) + labels, to: name + "-labels")
    )
  }

  /// y = 2 a - 3 b + 1 and a little noise.
  func writeTable(rows: Int, seed: UInt64 = 1, name: String = "train.csv") throws -> String {
    var generator = SeededGenerator(seed: seed)
    let lines = (0..<rows).map { _ in
      let numbers = generator.normals(3)
      let y = 2 * numbers[0] - 3 * numbers[1] + 1 + 0.1 * numbers[2]
      return "\(numbers[0]),\(y),\(numbers[1])\n"
    }
    return try write(Array(("a,y,b\n" + lines.joined()).utf8), to: name)
  }
}
