// V vocabulary, D width.

import CLockstepKernels

/// The logits of a head for the rows that have a target, a chunk of rows at a time: what operations
/// share that go from states to losses, so that the logits of all tokens never exist at once.
struct LogitChunks {
  let rows: CountedRows
  /// V.
  let classes: Int
  /// The chunks' rows, among those that count.
  let ranges: [Range<Int>]
  private let weight: Tensor
  private let bias: Tensor?
  private let height: Int

  /// Classes whose weights are decoded at a time, where they are kept compactly: a multiple of
  /// `CKERNELS_PRODUCT_CHUNK`.
  private static let decodedClasses = 4096

  /// - Parameters:
  ///   - states: [..., D].
  ///   - weight: [V, D].
  ///   - bias: [V]; nil: none.
  ///   - targets: One for each row; negative ones are ignored.
  init(of states: Tensor, weight: Tensor, bias: Tensor?, targets: Indices) {
    let (rows, classes) = (states.shape.rows, weight.shape[0])
    precondition(
      weight.shape.rank == 2 && weight.shape[1] == states.shape.last,
      "a head: weight \(weight.shape) does not fit inputs \(states.shape)")
    precondition(
      bias.map { $0.count == classes } ?? true, "a head: the bias is not of \(classes) elements")
    precondition(
      targets.elements.count == rows, "a head: \(targets.shape) targets for \(rows) rows")
    precondition(
      targets.elements.allSatisfy { $0 < classes }, "a target is not below \(classes) classes")
    (self.weight, self.bias, self.classes) = (weight, bias, classes)
    self.rows = CountedRows(of: states, targets: targets.elements)
    let heights = ChunkHeights(
      rows: rows, classes: classes, format: states.workspace.products.format,
      savesMemory: states.workspace.savesMemory)
    height = heights.height
    ranges = heights.ranges(of: self.rows.count)
  }

  private var width: Int { weight.shape[1] }
  private var products: Products { weight.workspace.products }

  /// Counts all products of the head.
  ///
  /// - Parameter differentiates: Whether gradients are computed, too.
  func countProducts(differentiates: Bool) {
    products.count(
      rows: rows.count, inner: width, columns: classes,
      gradients: differentiates ? weight.requiresGradient ? 2 : 1 : 0)
  }

  /// Memory for the logits of a chunk.
  func makeLogits() -> Tensor {
    Tensor(uninitialized: [height, classes], in: weight.workspace)
  }

  /// Computes the logits of a chunk.
  func compute(_ range: Range<Int>, into logits: Tensor) {
    weight.forPieces(mostRows: Self.decodedClasses) { columns, factor in
      products.multiply(
        inputs(of: range), factor.transposed,
        into: Matrix(logits.pointer, stride: classes).from(column: columns.lowerBound),
        rows: range.count, columns: columns.count, inner: width,
        epilogue: ProductEpilogue(
          bias: bias.map { UnsafePointer($0.pointer + columns.lowerBound) }))
    }
  }

  /// Shares out a chunk's rows among the threads.
  ///
  /// - Parameter body: Given the logits and targets of some rows, the first one's place among those that
  ///   count, and how many they are.
  func forEachPart(
    of range: Range<Int>, in logits: Tensor,
    _ body: (
      _ logits: UnsafeMutablePointer<Float>, _ targets: UnsafePointer<Int32>, _ row: Int,
      _ count: Int
    ) -> Void
  ) {
    rows.targets.withUnsafeBufferPointer { targets in
      guard let firstTarget = targets.baseAddress else { return }
      weight.workspace.threads.run(over: range.count, grain: Grain.logitRows) { part in
        let row = range.lowerBound + part.lowerBound
        body(
          logits.pointer + part.lowerBound * classes, firstTarget + row, row, part.count)
      }
    }
  }

  /// Hands on the gradient of a chunk's logits: to weight and bias, and to the rows that count.
  ///
  /// - Parameters:
  ///   - gradient: Of the logits, in their place.
  ///   - inputGradient: Gets the rows' gradients, one after the other; see `CountedRows.spread`.
  func passGradient(_ gradient: Tensor, of range: Range<Int>, into inputGradient: Tensor) {
    let (x, slopes) = (inputs(of: range), Matrix(gradient.pointer, stride: classes))
    // Pieces are added up as the parts of a whole product are: no bit changes.
    weight.forPieces(mostRows: Self.decodedClasses) { columns, factor in
      products.multiply(
        slopes.from(column: columns.lowerBound), factor,
        into: Matrix(inputGradient.pointer + range.lowerBound * width, stride: width),
        rows: range.count, columns: width, inner: columns.count, adds: columns.lowerBound > 0)
    }
    weight.addGradient { destination, adds in
      products.multiply(
        slopes.transposed, x, into: Matrix(destination, stride: width), rows: classes,
        columns: width, inner: range.count, adds: adds)
    }
    bias?.addGradient { destination, adds in
      weight.workspace.threads.run(
        over: classes, grain: Grain.elementwise / range.count + 16
      ) { columns in
        CKernels_columnSums(
          gradient.pointer + columns.lowerBound, destination + columns.lowerBound,
          Int64(range.count), Int64(columns.count), Int64(classes), adds ? 1 : 0)
      }
    }
  }

  /// The sum of the losses of the rows that count, as a tensor whose gradient is known already.
  ///
  /// - Parameters:
  ///   - losses: Of these rows, one after the other.
  ///   - inputs: What the sum was computed from; the states first.
  ///   - inputGradient: The gradients of the rows that count, one after the other; nil: none is wanted.
  ///   - name: The operation's name.
  /// - Returns: A scalar.
  func sum(
    of losses: Tensor, inputs: [Tensor], inputGradient: Tensor?, name: String
  ) -> Tensor {
    let total = Tensor(uninitialized: [], in: losses.workspace)
    total.pointer[0] = Float(
      losses.withElements { $0.prefix(rows.count).reduce(0.0) { $0 + Double($1) } })
    guard let inputGradient else { return total }
    rows.spread(inputGradient)
    return total.recorded(inputs: inputs) { [node = inputs[0].node] gradient in
      precondition(
        gradient.pointer[0] == 1,
        "\(name) cannot be scaled after the fact: scale the optimiser's step instead")
      node?.passGradient(inputGradient)
    }
  }

  private func inputs(of range: Range<Int>) -> Matrix {
    Matrix(rows.inputs.pointer + range.lowerBound * width, stride: width)
  }
}

/// Rows cut into chunks of about equal height whose logits take at most about 96 MiB; in bfloat16 128 MiB,
/// since there each chunk's packing of the weight is a larger part of the work, or 64 where memory is saved.
/// In float32 a chunk's height is part of the result: gradients of the weight are added up chunk by chunk. In
/// bfloat16 it is not: blocks of 32 rows are added up one after the other wherever the cuts are.
private struct ChunkHeights {
  let height: Int

  init(rows: Int, classes: Int, format: ProductFormat, savesMemory: Bool) {
    let largest: Int
    switch format {
    case .float32: largest = 24 << 20
    case .bfloat16: largest = savesMemory ? 16 << 20 : 32 << 20
    }
    let most = max(64, largest / classes)
    let count = max(1, (rows + most - 1) / most)
    height = max(1, min(rows, ((rows + count - 1) / count + 63) / 64 * 64))
  }

  func ranges(of rows: Int) -> [Range<Int>] {
    stride(from: 0, to: rows, by: height).map { $0..<min(rows, $0 + height) }
  }
}
