import CLockstepKernels
import LockstepParallelism

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
  private let columns: Int
  private let cosines: Buffer
  private let sines: Buffer

  init(_ frequencies: RotaryFrequencies, positions: Int, in pool: BufferPool) {
    self.positions = positions
    columns = frequencies.values.count
    cosines = pool.buffer(count: positions * columns)
    sines = pool.buffer(count: positions * columns)
    CKernels_rotaryTable(
      frequencies.values, Int64(columns), 0, Int64(positions), cosines.pointer, sines.pointer)
  }

  /// The table from one position on.
  struct Rows {
    let cosines: UnsafeMutablePointer<Float>
    let sines: UnsafeMutablePointer<Float>
  }

  func rows(from start: Int) -> Rows {
    Rows(cosines: cosines.pointer + start * columns, sines: sines.pointer + start * columns)
  }
}

extension Heads {
  /// Rotary position embedding (Su et al., 2021), in Llama's layout: column j of a head and column
  /// j + K / 2 turn together by the angle (start + t) · frequency[j].
  ///
  /// - Parameters:
  ///   - frequencies: K / 2 of them.
  ///   - starts: The position of each sequence's first row, where earlier ones are in a cache, [B], or
  ///     one for all. Default: 0.
  /// - Returns: The turned heads, alone in a tensor [B, T, H · K].
  public func rotated(by frequencies: RotaryFrequencies, from starts: [Int] = [0]) -> Heads {
    precondition(
      frequencies.values.count * 2 == width && starts.allSatisfy { $0 >= 0 }
        && (starts.count == 1 || starts.count == sequences),
      "rotated: \(frequencies.values.count) frequencies for heads of \(width) columns from \(starts)"
    )
    let workspace = tensor.workspace
    let table = workspace.rotaryTable(
      frequencies, positions: (starts.max() ?? 0) + positions)
    let angles = starts.map(table.rows)
    let result = Tensor(uninitialized: [sequences, positions, count * width], in: workspace)
    let turned = Heads(result, count: count, width: width).layout
    layout.rotate(
      tensor.pointer, to: turned, in: result.pointer, by: angles, direction: 1,
      adds: false, on: workspace.threads)
    let recorded = result.recorded(inputs: [tensor]) { [layout, node = tensor.node] gradient in
      node?.addGradient { destination, adds in
        let covers = layout.coversShape
        if !adds && !covers { destination.update(repeating: 0, count: layout.shape.count) }
        turned.rotate(
          gradient.pointer, to: layout, in: destination, by: starts.map(table.rows),
          direction: -1, adds: adds || !covers, on: gradient.workspace.threads)
      }
    }
    return Heads(recorded, count: count, width: width)
  }
}

extension HeadLayout {
  /// Turns the heads that lie in `input` like this into where `target` lies in `output`.
  ///
  /// - Parameters:
  ///   - angles: The table's rows of these positions, of each sequence or one for all.
  ///   - direction: 1, or -1 to turn back.
  fileprivate func rotate(
    _ input: UnsafeMutablePointer<Float>, to target: HeadLayout,
    in output: UnsafeMutablePointer<Float>, by angles: [RotaryTable.Rows], direction: Float,
    adds: Bool, on threads: ThreadPool
  ) {
    let half = width / 2
    let blocks = RowBlocks(rows: positions, columns: count * width)
    threads.run(tasks: shape[0] * blocks.count) { task in
      let sequence = task / blocks.count
      let rows = blocks[task % blocks.count]
      let angles = angles[angles.count == 1 ? 0 : sequence]
      let from = matrix(input, sequence: sequence, head: 0).from(row: rows.lowerBound)
      let to = target.matrix(output, sequence: sequence, head: 0).from(row: rows.lowerBound)
      CKernels_rotate(
        from.pointer, Int64(from.stride), to.pointer, Int64(to.stride),
        angles.cosines + rows.lowerBound * half, angles.sines + rows.lowerBound * half,
        Int64(rows.count), Int64(count), Int64(half), direction, adds ? 1 : 0)
    }
  }
}
