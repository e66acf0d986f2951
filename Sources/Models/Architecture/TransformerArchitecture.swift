import LockstepSettings

/// What the configurations of Transformers have in common; each key is declared once, below.
public protocol TransformerArchitecture: Architecture {
  /// Blocks.
  var layers: Int { get set }
  /// H, heads in a block.
  var heads: Int { get set }
  /// D.
  var width: Int { get set }
  /// Share of elements dropped in training.
  var dropout: Double { get set }
  /// Whether training keeps of each block its input only and computes the rest again in the backward
  /// pass: less memory, more time, the same bits.
  var recompute: Bool { get set }
}

/// What the configurations of networks that read tokens have in common.
public protocol TokenArchitecture: Architecture {
  /// T, the longest sequence in tokens.
  var context: Int { get set }
  /// V; nil takes it from the tokenizer.
  var vocabulary: Int? { get set }
}

extension Field where Root: TransformerArchitecture {
  static var layers: Field {
    Field("layers", \.layers, .within(1...1024), meaning: "Transformer blocks.")
  }

  static var heads: Field {
    heads(meaning: "Attention heads in a block; must divide `width`.")
  }

  static func heads(meaning documentation: String) -> Field {
    Field("heads", \.heads, .within(1...1024), meaning: documentation)
  }

  /// - Parameter content: What a vector of so many elements holds.
  static func width(of content: String = "token") -> Field {
    Field(
      "width", \.width, .within(1...65_536),
      meaning: "Elements of the vector that holds a \(content).")
  }

  static var dropout: Field {
    Field(
      "dropout", \.dropout, .within(0..<1),
      meaning:
        "Share of elements dropped after the embedding, in attention and on each residual branch, "
        + "in training.")
  }

  static var recompute: Field {
    Field(
      "recompute", \.recompute, decidesResult: false,
      meaning:
        "Whether training keeps of each block its input only and computes the rest again in the "
        + "backward pass: less memory, more time, the same bits.")
  }
}

extension Field where Root: TokenArchitecture {
  static var context: Field {
    Field("context", \.context, .within(1...1_048_576), meaning: "Tokens in a sequence.")
  }

  static var vocabulary: Field {
    vocabulary(
      atLeast: 1,
      meaning:
        "Rows of the token embedding; `null` takes the tokenizer's count. More rows than tokens is "
        + "padding.")
  }

  static func vocabulary(atLeast least: Int, meaning documentation: String) -> Field {
    Field(
      "vocabulary", \.vocabulary, .ifPresent(.within(least...16_777_216)), meaning: documentation)
  }
}

extension TransformerArchitecture {
  /// K, the width of one head.
  public var headWidth: Int { width / heads }

  /// The heads share out the width.
  func checkHeads(_ checks: inout SettingChecks) {
    checks.require(
      width.isMultiple(of: heads), "heads", "a divisor of width (\(width))", involving: "width")
  }

  /// Floats that blocks keep for the backward pass. What is cheap to compute again (norms, activations)
  /// is not kept.
  ///
  /// - Parameters:
  ///   - rows: B · T.
  ///   - queries: H · K.
  ///   - keyValues: Columns of keys, and of values.
  ///   - hidden: F, times the number of projections to it.
  ///   - crossAttention: Whether blocks look at a source, too. Default: no.
  func keptElementCount(
    rows: Double, layers: Int, queries: Int, keyValues: Int, hidden: Int,
    crossAttention: Bool = false
  ) -> Double {
    let attention = Double(width) + 2 * Double(queries) + 2 * Double(keyValues)
    let block = attention * (crossAttention ? 2 : 1) + Double(width) + Double(hidden)
    // Recomputation keeps each block's input, and all of the one that is at hand.
    return rows * (recompute ? Double(layers) * Double(width) + block : Double(layers) * block)
  }

  /// One line for people.
  ///
  /// - Parameters:
  ///   - name: Default: the architecture's.
  ///   - depth: Default: the number of layers.
  ///   - details: What is special.
  func oneLine(
    named name: String = Self.name, depth: String? = nil, _ details: [String]
  ) -> String {
    let depth = depth ?? "\(layers) layer\(layers == 1 ? "" : "s")"
    let parts =
      [name, depth, "\(heads) head\(heads == 1 ? "" : "s")", "width \(width)"] + details
      + (dropout > 0 ? ["dropout \(dropout)"] : []) + (recompute ? ["recomputed in backward"] : [])
    return parts.joined(separator: ", ")
  }
}
