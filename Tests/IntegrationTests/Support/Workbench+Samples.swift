import Foundation
import TestSupport
import Testing

extension Workbench {
  /// A bench with a table of three classes (`kind`) and of values (`value`), small images of three
  /// classes, and configurations to learn them: `kinds.yaml`, `values.yaml`.
  static func ofSamples() throws -> Workbench {
    let bench = try Workbench()
    var generator = SeededGenerator(seed: 4)
    func table(_ rows: Int) -> String {
      "kind,x,y,value\n"
        + (0..<rows).map { _ in
          let (x, y) = (generator.normals(1)[0], generator.normals(1)[0])
          let kind = x > 0.3 ? "right" : y > 0 ? "upper" : "lower"
          return "\(kind),\(x),\(y),\(2 * x - y + 5)\n"
        }.joined()
    }
    try bench.write(table(300), to: "train.csv")
    try bench.write(table(60), to: "test.csv")
    for (name, count) in [("train", 200), ("test", 50)] {
      func header(_ dimensions: [Int]) -> [UInt8] {
        [0, 0, 8, UInt8(dimensions.count)] + dimensions.flatMap { [0, 0, 0, UInt8($0)] }
      }
      let labels = (0..<count).map { _ in UInt8.random(in: 0..<3, using: &generator) }
      let pixels = labels.flatMap { label in
        (0..<28 * 28).map { $0 / 280 == Int(label) ? UInt8(200) : UInt8($0 % 100) }
      }
      try Data(header([count, 28, 28]) + pixels).write(to: bench.url("\(name)-images"))
      try Data(header([count]) + labels).write(to: bench.url("\(name)-labels"))
    }
    try bench.write(Self.kinds, to: "kinds.yaml")
    try bench.write(Self.values, to: "values.yaml")
    return bench
  }

  /// A bench with texts of two classes and `texts.yaml`, a step of learning to tell them apart by their letters.
  static func ofTexts() throws -> Workbench {
    let bench = try Workbench(text: String(repeating: "a cat in the sun.\n", count: 40))
    let ending = try bench.run(
      ["prepare", "text.txt", "--output", "letters", "--tokenizer", "characters", "--quiet"])
    try #require(ending.exitCode == 0, "\(ending.errorOutput)")
    try bench.write("text,label\ncat,a\nsun,b\n", to: "texts.csv")
    try bench.write(
      """
      task: classification
      data: {format: texts, train: texts.csv, validation: texts.csv, tokenizer: letters/tokenizer.json}
      model: {architecture: bert, layers: 1, heads: 2, width: 16, context: 16, dropout: 0}
      batch: {sequences: 2, microbatches: 1}
      schedule: {name: constant}
      steps: 1
      """, to: "texts.yaml")
    return bench
  }

  static let kinds = """
    task: classification
    data: {format: csv, train: train.csv, validation: test.csv, target: kind, columns: [x, y]}
    model: {architecture: mlp, hidden: [16]}
    batch: {sequences: 10, microbatches: 4}
    optimizer: {name: adamw, learning_rate: 2e-2}
    schedule: {warmup_steps: 5}
    steps: 80
    evaluate: {top_k: 2}
    """

  static let values = """
    task: regression
    data: {format: csv, train: train.csv, validation: test.csv, target: value, columns: [x, y]}
    model: {architecture: linear}
    batch: {sequences: 10, microbatches: 4}
    optimizer: {name: sgd, learning_rate: 5e-2, clip_norm: 0}
    schedule: {name: constant}
    steps: 200
    """

  func url(_ name: String) -> URL { folder.appendingPathComponent(name) }
}
