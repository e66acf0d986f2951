// H rows and W columns of pixels, T patches, C classes.

import Foundation
import LockstepDatasets
import LockstepModels
import LockstepTensors
import LockstepTraining

/// A look inside a classifier that sees an image: what it predicts and which pixels that is owed to;
/// of a vision Transformer also what each layer would say, and where attention looks.
public struct ImageExplanation: Codable, Sendable {
  /// What was looked at.
  public struct Image: Codable, Sendable {
    public let path: String
    /// The image's place in its file, from 0.
    public let index: Int
    /// 0 black to 255 white, [H][W].
    public let pixels: [[Int]]
    /// The number of the class that it is of.
    public let label: Int
  }

  /// Gradient × input of the target's logit; an input is a pixel as the model gets it.
  public struct Attribution: Codable, Sendable {
    /// [H][W].
    public let values: [[Double]]
    public let sum: Double
  }

  /// What a layer's states would say, read as if they were the last.
  public struct LensLayer: Codable, Sendable {
    public let name: String
    /// [C].
    public let probabilities: [Double]
  }

  /// Where attention looks.
  public struct Attention: Codable, Sendable {
    /// Patches from top to bottom, and from left to right: T together, row by row.
    public let rows: Int
    public let columns: Int
    public let layers: [AttentionLayer]
    /// How much of each patch reaches the mean over the last layer's positions; see
    /// `AttentionRollout`, [T].
    public let rollout: [Double]
  }

  public let model: ExplainedModel
  public let image: Image
  public let prediction: ClassPrediction
  public let attribution: Attribution
  /// The embedding, then each block; empty for networks whose layers have states of their own.
  public let lens: [LensLayer]
  /// Nil for networks without attention.
  public let attention: Attention?

  /// - Parameters:
  ///   - trained: A classifier of images.
  ///   - samples: Images like those that it learned from.
  ///   - index: Which of them.
  ///   - target: The name of the class that is explained; nil: the likeliest.
  /// - Throws: `ExplanationError`; `NotFiniteLogitsError`.
  public init(
    of trained: TrainedModel, samples: SampleSet, index: Int, target: String? = nil
  ) throws {
    guard case .pixels(let pixels) = samples.features else {
      throw ExplanationError.otherSamples(path: trained.path, option: "--row")
    }
    let inspected = try InspectedSample(
      of: trained, samples: samples, index: index, kind: "image", target: target)
    guard let classes = inspected.classes, case .classes(let labels) = samples.targets else {
      throw ExplanationError.noClasses(path: trained.path)
    }
    let inspection = inspected.inspection
    let (height, width) = (samples.sampleShape[0], samples.sampleShape[1])
    model = ExplainedModel(trained)
    let start = index * samples.featureCount
    image = Image(
      path: samples.path, index: index,
      pixels: (0..<height).map { row in
        pixels[start + row * width..<start + (row + 1) * width].map(Int.init)
      }, label: Int(labels[index]))
    prediction = inspected.prediction(of: classes)
    attribution = Attribution(
      values: (0..<height).map { row in
        inspection.attribution[row * width..<(row + 1) * width].map { $0.rounded(decimals: 6) }
      }, sum: inspection.attribution.reduce(0, +).rounded(decimals: 6))
    lens = inspection.readouts.map {
      LensLayer(
        name: $0.name,
        probabilities: ClassPrediction.probabilities($0.scores, asksOfEach: inspected.asksOfEach))
    }
    attention = Attention(inspection, trained.architecture, height: height, width: width)
  }
}

extension ImageExplanation.Attention {
  /// Nil where the model is no vision Transformer.
  fileprivate init?(
    _ inspection: SampleInspection, _ architecture: any Architecture, height: Int, width: Int
  ) {
    guard let configuration = architecture as? VisionTransformerConfiguration else {
      return nil
    }
    rows = height / configuration.patch
    columns = width / configuration.patch
    layers = inspection.recorder.attentionLayers
    rollout = AttentionRollout(inspection.recorder.attention.map(\.probabilities)).mean
      .map { $0.rounded(decimals: 6) }
  }
}
