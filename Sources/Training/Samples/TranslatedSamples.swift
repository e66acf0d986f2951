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
