import CKernels

/// How fast each pair of columns of a head turns with the position, in radians per position: K / 2
/// numbers.
public struct RotaryFrequencies: Sendable, Hashable {
  public let values: [Float]

  /// Frequencies of one's own, for models that stretch the standard ones.
  public init(_ values: [Float]) {
    self.values = values
  }

  /// base^(-2j / K) for j in 0 ..< K / 2 (Su et al., "RoFormer", 2021), in the single-precision
  /// arithmetic of Hugging Face's `LlamaRotaryEmbedding`.
  ///
  /// - Parameters:
  ///   - base: Default: 10,000.
  ///   - headWidth: K, an even number.
  public init(base: Double = 10_000, headWidth: Int) {
    precondition(headWidth % 2 == 0, "rotary embedding needs an even head width, not \(headWidth)")
    values = Array(unsafeUninitializedCapacity: headWidth / 2) { buffer, count in
      if let start = buffer.baseAddress {
        CKernels_rotaryFrequencies(base, Int64(headWidth), start)
      }
      count = headWidth / 2
    }
  }
}

/// The cosines and sines of the first positions, each [positions, K / 2].
struct RotaryTable {
  let positions: Int
  let cosines: Buffer
  let sines: Buffer

  init(_ frequencies: RotaryFrequencies, positions: Int, in pool: BufferPool) {
    self.positions = positions
    let columns = frequencies.values.count
    cosines = pool.buffer(count: positions * columns)
    sines = pool.buffer(count: positions * columns)
    CKernels_rotaryTable(
      frequencies.values, Int64(columns), 0, Int64(positions), cosines.pointer, sines.pointer)
  }
}

extension Heads {
  /// Rotary position embedding (Su et al., 2021), in Llama's layout: column j of a head and column
  /// j + K / 2 turn together by the angle (start + t) · frequency[j].
  ///
  /// - Parameters:
  ///   - frequencies: K / 2 of them.
  ///   - start: The position of the first row, where earlier ones are in a cache. Default: 0.
  /// - Returns: The turned heads, alone in a tensor [B, T, H · K].
  public func rotated(by frequencies: RotaryFrequencies, from start: Int = 0) -> Heads {
    precondition(
      frequencies.values.count * 2 == width && start >= 0,
      "rotated: \(frequencies.values.count) frequencies for heads of \(width) columns from \(start)"
    )
    let workspace = tensor.workspace
    let table = workspace.rotaryTable(frequencies, positions: start + positions)
    let result = Tensor(uninitialized: [sequences, positions, count * width], in: workspace)
    Self.rotate(
      self, in: tensor.pointer, to: Heads(result, count: count, width: width), in: result.pointer,
      table: table, start: start, direction: 1, adds: false)
    let recorded = result.recorded(inputs: [tensor]) { gradient in
      tensor.addGradient { destination, adds in
        if !adds && !coversTensor { destination.update(repeating: 0, count: tensor.count) }
        Self.rotate(
          Heads(gradient, count: count, width: width), in: gradient.pointer, to: self,
          in: destination, table: table, start: start, direction: -1, adds: adds || !coversTensor)
      }
    }
    return Heads(recorded, count: count, width: width)
  }

  /// Whether the heads fill their tensor, so that writing them leaves nothing undefined.
  var coversTensor: Bool { count * width == tensor.shape.last && positions == tensor.shape[1] }

  /// Turns heads that lie like `source` in `input` into where `target` lies in `output`.
  private static func rotate(
    _ source: Heads, in input: UnsafeMutablePointer<Float>, to target: Heads,
    in output: UnsafeMutablePointer<Float>, table: RotaryTable, start: Int, direction: Float,
    adds: Bool
  ) {
    let half = source.width / 2
    let positions = target.positions
    let blocks = RowBlocks(rows: positions, columns: source.count * source.width)
    source.tensor.workspace.threads.run(tasks: source.sequences * blocks.count) { task in
      let sequence = task / blocks.count
      let rows = blocks[task % blocks.count]
      let from = source.matrix(input, sequence: sequence, head: 0).from(row: rows.lowerBound)
      let to = target.matrix(output, sequence: sequence, head: 0).from(row: rows.lowerBound)
      let angles = (start + rows.lowerBound) * half
      CKernels_rotate(
        from.pointer, Int64(from.stride), to.pointer, Int64(to.stride),
        table.cosines.pointer + angles, table.sines.pointer + angles, Int64(rows.count),
        Int64(source.count), Int64(half), direction, adds ? 1 : 0)
    }
  }
}
