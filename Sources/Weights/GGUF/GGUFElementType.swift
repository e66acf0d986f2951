/// How the elements of a GGUF file's tensors are stored, by the format's numbers.
///
/// Most are blocks: some elements of a row together, with a scale of their own. Format: ggml-org, "GGUF",
/// and the block structures of `ggml-common.h`.
public enum GGUFElementType: UInt32, Sendable, CaseIterable {
  case f32 = 0
  case f16 = 1
  case q4x0 = 2
  case q4x1 = 3
  case q5x0 = 6
  case q5x1 = 7
  case q8x0 = 8
  case q8x1 = 9
  case q2K = 10
  case q3K = 11
  case q4K = 12
  case q5K = 13
  case q6K = 14
  case q8K = 15
  case iq2XXS = 16
  case iq2XS = 17
  case iq3XXS = 18
  case iq1S = 19
  case iq4NL = 20
  case iq3S = 21
  case iq2S = 22
  case iq4XS = 23
  case i8 = 24
  case i16 = 25
  case i32 = 26
  case i64 = 27
  case f64 = 28
  case iq1M = 29
  case bf16 = 30
  case tq1x0 = 34
  case tq2x0 = 35
  case mxfp4 = 39

  /// What the format calls it: `Q4_K`.
  public var name: String {
    switch self {
    case .f32, .f16, .f64, .bf16, .i8, .i16, .i32, .i64, .mxfp4: "\(self)".uppercased()
    case .q4x0: "Q4_0"
    case .q4x1: "Q4_1"
    case .q5x0: "Q5_0"
    case .q5x1: "Q5_1"
    case .q8x0: "Q8_0"
    case .q8x1: "Q8_1"
    case .q2K: "Q2_K"
    case .q3K: "Q3_K"
    case .q4K: "Q4_K"
    case .q5K: "Q5_K"
    case .q6K: "Q6_K"
    case .q8K: "Q8_K"
    case .iq2XXS: "IQ2_XXS"
    case .iq2XS: "IQ2_XS"
    case .iq3XXS: "IQ3_XXS"
    case .iq1S: "IQ1_S"
    case .iq4NL: "IQ4_NL"
    case .iq3S: "IQ3_S"
    case .iq2S: "IQ2_S"
    case .iq4XS: "IQ4_XS"
    case .iq1M: "IQ1_M"
    case .tq1x0: "TQ1_0"
    case .tq2x0: "TQ2_0"
    }
  }

  /// Elements of a block, all of one row.
  public var blockElements: Int {
    switch self {
    case .f32, .f16, .bf16, .f64, .i8, .i16, .i32, .i64: 1
    case .q4x0, .q4x1, .q5x0, .q5x1, .q8x0, .q8x1, .iq4NL, .mxfp4: 32
    case .q2K, .q3K, .q4K, .q5K, .q6K, .q8K, .iq2XXS, .iq2XS, .iq3XXS, .iq1S, .iq3S,
      .iq2S, .iq4XS, .iq1M, .tq1x0, .tq2x0:
      256
    }
  }

  /// Bytes of a block.
  public var blockBytes: Int {
    switch self {
    case .i8: 1
    case .f16, .bf16, .i16: 2
    case .f32, .i32: 4
    case .f64, .i64: 8
    case .mxfp4: 17
    case .q4x0, .iq4NL: 18
    case .q4x1: 20
    case .q5x0: 22
    case .q5x1: 24
    case .q8x0: 34
    case .q8x1: 40
    case .iq1S: 50
    case .tq1x0: 54
    case .iq1M: 56
    case .iq2XXS, .tq2x0: 66
    case .iq2XS: 74
    case .iq2S: 82
    case .q2K: 84
    case .iq3XXS: 98
    case .q3K, .iq3S: 110
    case .iq4XS: 136
    case .q4K: 144
    case .q5K: 176
    case .q6K: 210
    case .q8K: 292
    }
  }

  /// Whether the reader turns elements into `Float`.
  public var isReadable: Bool { Self.readable.contains(self) }

  /// Those that the reader turns into `Float`.
  public static let readable: [GGUFElementType] = [
    .f32, .f16, .bf16, .q8x0, .q4x0, .q4x1, .q5x0, .q5x1, .q4K, .q6K,
  ]

  /// Bytes of so many elements.
  ///
  /// - Parameter elements: A multiple of `blockElements`.
  func byteCount(of elements: Int) -> Int { elements / blockElements * blockBytes }
}
