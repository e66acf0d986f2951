import Foundation
import LockstepOptimization
import LockstepSettings

/// What the fixture scripts recorded of PyTorch: see `scripts/fixtures/optimizers.py` and
/// `scripts/fixtures/schedules.py`.
enum Fixture {
  static func load<Content: Decodable>(_ name: String) throws -> Content {
    let url = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/Optimization/\(name).json")
    let decoder = JSONDecoder()
    return try decoder.decode(Content.self, from: Data(contentsOf: url))
  }
}

struct OptimizerFixture: Decodable {
  struct Tensor: Decodable {
    let name: String
    let shape: [Int]
    let decays: Bool
  }

  struct Case: Decodable, CustomStringConvertible {
    struct Record: Decodable {
      let step: Int
      let parameters: [Float]
    }

    /// Keys of the `optimizer` section.
    let options: Options
    let clip: Double
    let rates: [Double]
    let norms: [Double]
    let after: [Record]
    /// After the last step.
    let states: [String: [Float]]
    /// In place of the fixture's.
    let gradients: [[Float]]?
    let tolerance: Float

    var description: String { options.node.entries?.map { "\($0.key) \($0.value)" }.joined() ?? "" }
  }

  let tensors: [Tensor]
  let initial: [Float]
  let gradients: [[Float]]
  let cases: [Case]

  static func load() throws -> OptimizerFixture { try Fixture.load("optimizers") }

  /// The tensors one after the other, without padding.
  func layout() -> ParameterLayout {
    var end = 0
    let tensors = tensors.map { tensor in
      let start = end
      end += tensor.shape.reduce(1, *)
      return OptimizedTensor(
        name: tensor.name, shape: tensor.shape, range: start..<end, decays: tensor.decays)
    }
    return ParameterLayout(tensors: tensors, elementCount: end)
  }
}

struct ScheduleFixture: Decodable {
  struct Case: Decodable {
    let keys: Options
    let steps: Int
    /// Of all updates after the warm-up.
    let rates: [Double]
  }

  struct Plateau: Decodable {
    let keys: Options
    let losses: [Double]
    let factors: [Double]
  }

  let learningRate: Double
  let cases: [Case]
  let plateau: Plateau

  enum CodingKeys: String, CodingKey {
    case cases, plateau
    case learningRate = "learning_rate"
  }
}

/// Keys of a section of the configuration, from JSON.
struct Options: Decodable {
  let node: SettingNode

  init(from decoder: any Decoder) throws {
    let entries = try decoder.singleValueContainer().decode([String: Value].self)
    node = SettingNode(.map(entries.map { SettingNode.Entry($0.key, $0.value.node) }))
  }

  private enum Value: Decodable {
    case scalar(String)
    case list([Value])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let list = try? container.decode([Value].self) {
        self = .list(list)
      } else if let flag = try? container.decode(Bool.self) {
        self = .scalar(String(flag))
      } else if let number = try? container.decode(Int.self) {
        self = .scalar(String(number))
      } else if let number = try? container.decode(Double.self) {
        self = .scalar(String(number))
      } else {
        self = .scalar(try container.decode(String.self))
      }
    }

    var node: SettingNode {
      switch self {
      case .scalar(let text): SettingNode(.plain(text))
      case .list(let values): SettingNode(.list(values.map(\.node)))
      }
    }
  }
}
