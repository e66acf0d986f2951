/// What the model makes of a few inputs at some step: for people, who see what a loss does not tell.
public struct SamplesRecord: Equatable, Sendable {
  public struct Sample: Equatable, Sendable {
    /// What the input is.
    public enum Kind: String, Sendable {
      /// The beginning of a text.
      case prompt
      /// A sentence to translate.
      case source
      /// What is to be sorted into a class, or the features that a value is predicted from.
      case input
    }

    public var kind: Kind
    public var input: String
    /// What the model made: how the text goes on, a translation, a class, a value.
    public var text: String
    /// What would have been right; nil where there is no such thing.
    public var reference: String?
    /// What the input looks like; nil where it is no picture.
    public var image: GrayImage?

    public init(
      kind: Kind, input: String, text: String, reference: String? = nil, image: GrayImage? = nil
    ) {
      self.kind = kind
      self.image = image
      self.input = input
      self.text = text
      self.reference = reference
    }
  }

  /// Optimiser steps taken.
  public var step: Int
  public var samples: [Sample]

  public init(step: Int, samples: [Sample]) {
    self.step = step
    self.samples = samples
  }
}
