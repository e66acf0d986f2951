// B samples, C classes.

import LockstepDatasets
import LockstepModels
import LockstepReporting
import LockstepTensors

/// The first held-out pairs, translated greedily.
struct TranslatedSamples: SampleMaker {
  let model: any SequenceToSequenceModel
  let tokenizer: any Tokenizer
  let pairs: PairFile
  let configuration: SamplesConfiguration

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    let chosen = pairs.pairs(fitting: model.context).prefix(configuration.count).map {
      pairs[Int($0)]
    }
    guard !chosen.isEmpty else { return [] }
    let found = try DecodingMethod.beamSearch(BeamSearch(beams: 1)).run(
      TargetContinuation(
        of: chosen.map(\.source), begin: pairs.endOfText, by: model, limit: model.context),
      end: pairs.endOfText, maxTokens: min(configuration.maxTokens, model.context),
      vocabularyCount: tokenizer.vocabularyCount, in: workspace)
    return zip(chosen, found).map { pair, hypothesis in
      .init(
        kind: .source, input: tokenizer.line(of: pair.source.dropLast()),
        text: tokenizer.line(of: hypothesis.tokens),
        reference: tokenizer.line(of: pair.target.dropLast()))
    }
  }
}

/// The first held-out conversations: what the model answers where the data have an answer.
struct AnsweredSamples: SampleMaker {
  let model: any LanguageModel
  let tokenizer: any Tokenizer
  /// Each of them ends an answer.
  let ends: Set<Int32>
  let conversations: ConversationFile
  let configuration: SamplesConfiguration
  /// Decides what is drawn.
  let seed: UInt64

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    let options = SamplingOptions(temperature: configuration.temperature, seed: seed)
    let chosen = (0..<conversations.count).lazy.compactMap { exchange(in: $0) }
      .prefix(configuration.count)
    return try chosen.map { question, answer in
      let generator = TextGenerator(
        model: model, workspace: workspace, prompt: question,
        vocabularyCount: tokenizer.vocabularyCount, sampler: TokenSampler(options))
      var tokens: [Int32] = []
      for _ in 0..<configuration.maxTokens {
        let token = try generator.next()
        if ends.contains(token) || token == answer.last { break }
        tokens.append(token)
      }
      return .init(
        kind: .prompt, input: tokenizer.decode(question), text: tokenizer.decode(tokens),
        reference: tokenizer.decode(answer))
    }
  }

  /// The first question of a conversation and its answer; nil where the model's context is too short for it.
  private func exchange(in conversation: Int) -> (question: [Int32], answer: [Int32])? {
    let range = conversations.range(of: conversation)
    let tokens = conversations.tokens.tokens(range)
    let isLearned = conversations.learned(in: range)
    guard let begin = isLearned.firstIndex(of: true), begin > 0, begin < model.context else {
      return nil
    }
    let end = isLearned[begin...].firstIndex(of: false) ?? tokens.count
    return (Array(tokens[..<begin]), Array(tokens[begin..<end]))
  }
}

/// What a predictor says of the first held-out samples.
struct PredictedSamples: SampleMaker {
  let task: PredictionTask
  let description: SampleDescription
  let count: Int

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    let found = (0..<task.evaluationBatchCount).lazy.map { heldOut($0, in: workspace) }
      .prefix(collecting: count)
    return found.enumerated().map { index, sample in
      guard sample.image != nil else { return sample }
      var sample = sample
      // As `lockstep explain --image` counts.
      sample.input = "image \(index)"
      return sample
    }
  }

  private func heldOut(_ index: Int, in workspace: Workspace) -> [SamplesRecord.Sample] {
    let (outputs, batch) = task.heldOutOutputs(batch: index, in: workspace)
    let elements = outputs.elements
    let width = description.outputCount
    return (0..<batch.count).map { row in
      let scores = Array(elements[row * width..<(row + 1) * width])
      let features = Array(batch.features[row * featureCount..<(row + 1) * featureCount])
      let (input, image) = (input(features), image(features))
      guard let classes = description.classNames else {
        return .init(
          kind: .input, input: input, text: "\(scores[0])", reference: "\(batch.values[row])",
          image: image)
      }
      return .init(
        kind: .input, input: input, text: classes[scores.indexOfLargest],
        reference: classes[Int(batch.classes[row])], image: image)
    }
  }

  private var featureCount: Int { description.sampleShape.reduce(1, *) }

  /// A row's columns in the units of the table; an image has no words.
  private func input(_ features: [Float]) -> String {
    guard let columns = description.columns else { return "image" }
    return zip(columns, features).enumerated().map { index, column in
      "\(column.0) \(Quantity.significant(unit(of: column.1, column: index)))"
    }.joined(separator: ", ")
  }

  /// Nil of a row.
  private func image(_ features: [Float]) -> GrayImage? {
    guard description.columns == nil, description.sampleShape.count == 2 else { return nil }
    return GrayImage(
      width: description.sampleShape[1], height: description.sampleShape[0],
      pixels: features.map { UInt8(min(max(unit(of: $0, column: 0).rounded(), 0), 255)) })
  }

  /// A feature as the data have it.
  private func unit(of feature: Float, column: Int) -> Double {
    Double(feature) * description.deviations[column] + description.means[column]
  }
}

/// Which classes a model sorts the first held-out texts into.
struct ClassifiedSamples: SampleMaker {
  let task: TextClassificationTask
  let tokenizer: any Tokenizer
  let classes: [String]
  let count: Int

  func samples(in workspace: Workspace) throws -> [SamplesRecord.Sample] {
    (0..<task.evaluationBatchCount).lazy.map { heldOut($0, in: workspace) }
      .prefix(collecting: count)
  }

  private func heldOut(_ index: Int, in workspace: Workspace) -> [SamplesRecord.Sample] {
    let (outputs, batch) = task.heldOutOutputs(batch: index, in: workspace)
    let elements = outputs.elements
    return batch.lengths.enumerated().map { row, length in
      let start = row * batch.positions
      return .init(
        kind: .input, input: tokenizer.line(of: Array(batch.tokens[start..<start + length])),
        text: classes[
          Array(elements[row * classes.count..<(row + 1) * classes.count]).indexOfLargest],
        reference: classes[Int(batch.classes[row])])
    }
  }
}

extension Sequence where Element: RandomAccessCollection {
  /// The first so many elements of all collections, of which no more are made than needed.
  fileprivate func prefix(collecting count: Int) -> [Element.Element] {
    var found: [Element.Element] = []
    for some in self {
      found += some.prefix(count - found.count)
      if found.count == count { break }
    }
    return found
  }
}

extension [Float] {
  /// Of the first, where several are equal.
  fileprivate var indexOfLargest: Int {
    indices.reduce(0) { self[$1] > self[$0] ? $1 : $0 }
  }
}
