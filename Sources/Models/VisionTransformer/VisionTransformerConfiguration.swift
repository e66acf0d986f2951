// H rows and W columns of an image.

import LockstepSettings
import LockstepTensors

/// The keys of `model.architecture: vit`.
public struct VisionTransformerConfiguration: TransformerArchitecture, PredictorArchitecture {
  public static let name = "vit"
  public static let documentation =
    "Vision Transformer: patches of an image, pre-norm, GELU, mean over patches."

  public var patch = 4
  public var layers = 4
  public var heads = 4
  /// D; the feed-forward width is 4 D.
  public var width = 64
  public var positions = PositionKind.learned
  public var dropout = 0.0
  public var recompute = false

  public init() {}

  public static var fields: [Field<Self>] {
    [
      Field(
        "patch", \.patch, .within(1...1024),
        meaning: "Side of the square patches that an image is cut into; must divide its sides."),
      .layers, .heads, .width(of: "patch"),
      Field("positions", \.positions, meaning: "How the model knows where a patch is."),
      .dropout, .recompute,
    ]
  }

  public func check(_ checks: inout SettingChecks) {
    checkHeads(&checks)
    checks.require(
      positions == .learned || width.isMultiple(of: 2), "width",
      "an even number, because positions is sinusoidal", involving: "positions")
  }

  public var summary: String {
    oneLine(named: "vit, patch \(patch)", ["\(positions.rawValue) positions"])
  }

  public func keptElementCount(sequences: Int, of shape: Shape) -> Double {
    keptElementCount(
      rows: Double(sequences) * Double(shape.count / (patch * patch)), layers: layers,
      queries: width, keyValues: width, hidden: 4 * width)
  }

  public func model(sampleShape: Shape, outputs: Int) throws(SampleShapeError) -> any Predictor {
    let tiles =
      sampleShape.rank == 2 && sampleShape.dimensions.allSatisfy { $0.isMultiple(of: patch) }
    guard tiles else {
      throw SampleShapeError(
        key: "model.patch",
        reason: "patches of side \(patch) do not tile samples \(sampleShape)")
    }
    return VisionTransformer(self, sampleShape: sampleShape, outputs: outputs)
  }
}
