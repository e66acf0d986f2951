import Foundation

/// What the fixture script recorded of PyTorch: see `scripts/fixtures/optimizers.py`.
struct Fixture: Decodable {
  struct Case: Decodable, CustomStringConvertible {
    struct Record: Decodable {
      let step: Int
      let parameters: [Float]
      let states: [String: [Float]]
    }

    let name: String
    let clip: Double
    let rates: [Double]
    let norms: [Double]
    let after: [Record]
    let betas: [Double]?
    let epsilon: Double?
    let momentum: Double?
    let weightDecay: Double

    var description: String { "\(name), decay \(weightDecay), clip \(clip)" }
  }

  struct Schedule: Decodable {
    let peak: Double
    let warmup: Int
    let steps: Int
    let ratio: Double
    /// Rates from the end of the warm-up to the last step.
    let decline: [Double]
  }

  let matrixElements: Int
  let initial: [Float]
  let gradients: [[Float]]
  let cases: [Case]
  let schedules: [Schedule]

  static func load() throws -> Fixture {
    let url = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Fixtures/Optimization/optimizers.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Fixture.self, from: Data(contentsOf: url))
  }
}
