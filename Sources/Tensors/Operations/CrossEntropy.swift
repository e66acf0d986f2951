import CLockstepKernels

extension Tensor {
  /// The cross-entropy of a linear layer's softmax, summed over the rows: the head of a language
  /// model in one operation, computed in chunks of rows so that the logits of all tokens never
  /// exist at once.
  ///
  ///     q = softmax(xᵢ Wᵀ + b):  Σᵢ -(1 - ε) log q[targetᵢ] - ε/V Σⱼ log q[j]
  ///
  /// in nats, over the rows whose target is not negative. The others take no part in the products:
  /// they cost nothing.
  ///
  /// Where the result is to be differentiated, the gradients are computed right away, while a
  /// chunk's logits are in memory: `backward()` may then be called on this sum, or on sums of such
  /// sums, but not on multiples of it.
  ///
  /// - Parameters:
  ///   - weight: W, [V, D], for self [..., D].
  ///   - bias: b, [V]; nil: none. Default: nil.
  ///   - targets: One for each row; negative ones are ignored.
  ///   - labelSmoothing: ε, in 0 ..< 1: the share of the target that all classes have alike (Szegedy
  ///     et al., 2016). Default: 0.
  /// - Returns: A scalar.
  public func linearCrossEntropy(
    weight: Tensor, bias: Tensor? = nil, targets: Indices, labelSmoothing: Float = 0
  ) -> Tensor {
    let (rows, width, classes) = (shape.rows, shape.last, weight.shape[0])
    precondition(
      weight.shape.rank == 2 && weight.shape[1] == width,
      "linearCrossEntropy: weight \(weight.shape) does not fit inputs \(shape)")
    precondition(
      bias.map { $0.count == classes } ?? true,
      "linearCrossEntropy: the bias is not of \(classes) elements")
    precondition(
      targets.elements.count == rows,
      "linearCrossEntropy: \(targets.shape) targets for \(rows) rows")
    precondition(
      targets.elements.allSatisfy { $0 < classes }, "a target is not below \(classes) classes")
    precondition(
      0 <= labelSmoothing && labelSmoothing < 1, "label smoothing in 0 ..< 1: \(labelSmoothing)")
    let inputs = [self, weight] + (bias.map { [$0] } ?? [])
    let differentiates = workspace.isRecording && inputs.contains(where: \.requiresGradient)
    let counted = CountedRows(of: self, targets: targets.elements)
    let losses = Tensor(uninitialized: [rows], in: workspace)
    let inputGradient = differentiates ? Tensor(uninitialized: shape, in: workspace) : nil
    let chunk = LogitChunks(rows: rows, classes: classes, format: workspace.products.format)
    let logits = Tensor(uninitialized: [chunk.height, classes], in: workspace)
    let products = workspace.products
    products.count(
      rows: counted.count, inner: width, columns: classes,
      gradients: differentiates ? weight.requiresGradient ? 2 : 1 : 0)
    for range in chunk.ranges(of: counted.count) {
      let x = Matrix(counted.inputs.pointer + range.lowerBound * width, stride: width)
      weight.forPieces(mostRows: Self.decodedClasses) { columns, factor in
        products.multiply(
          x, factor.transposed,
          into: Matrix(logits.pointer, stride: classes).from(column: columns.lowerBound),
          rows: range.count, columns: columns.count, inner: width,
          epilogue: ProductEpilogue(
            bias: bias.map { UnsafePointer($0.pointer + columns.lowerBound) }, activation: nil,
            activated: nil))
      }
      counted.targets.withUnsafeBufferPointer { targets in
        guard let firstTarget = targets.baseAddress else { return }
        workspace.threads.run(over: range.count, grain: Grain.logitRows) { part in
          let row = range.lowerBound + part.lowerBound
          CKernels_crossEntropy(
            logits.pointer + part.lowerBound * classes, firstTarget + row, losses.pointer + row,
            labelSmoothing, differentiates ? 1 : 0, Int64(part.count), Int64(classes),
            Int64(classes))
        }
      }
      guard let inputGradient else { continue }
      let gradient = Matrix(logits.pointer, stride: classes)
      // Pieces are added up as the parts of a whole product are: no bit changes.
      weight.forPieces(mostRows: Self.decodedClasses) { columns, factor in
        products.multiply(
          gradient.from(column: columns.lowerBound), factor,
          into: Matrix(inputGradient.pointer + range.lowerBound * width, stride: width),
          rows: range.count, columns: width, inner: columns.count, adds: columns.lowerBound > 0)
      }
      weight.addGradient { destination, adds in
        products.multiply(
          gradient.transposed, x, into: Matrix(destination, stride: width), rows: classes,
          columns: width, inner: range.count, adds: adds)
      }
      bias?.addGradient { destination, adds in
        workspace.threads.run(over: classes, grain: Grain.elementwise / range.count + 16) {
          columns in
          CKernels_columnSums(
            logits.pointer + columns.lowerBound, destination + columns.lowerBound,
            Int64(range.count), Int64(columns.count), Int64(classes), adds ? 1 : 0)
        }
      }
    }
    let total = Tensor(uninitialized: [], in: workspace)
    total.pointer[0] = Float(
      losses.withElements { $0.prefix(counted.count).reduce(0.0) { $0 + Double($1) } })
    guard let inputGradient else { return total }
    counted.spread(inputGradient)
    return total.recorded(inputs: inputs) { [node] gradient in
      precondition(
        gradient.pointer[0] == 1,
        "linearCrossEntropy cannot be scaled after the fact: scale the optimiser's step instead")
      node?.passGradient(inputGradient)
    }
  }
}

extension Tensor {
  /// Classes whose weights are decoded at a time, where they are kept compactly: a multiple of
  /// `CKERNELS_PRODUCT_CHUNK`.
  fileprivate static var decodedClasses: Int { 4096 }
}

/// The rows that have a target, moved together. Whatever their number, the same sizes of memory are
/// asked for: a pool's buffers are found again.
private struct CountedRows {
  /// The rows one after the other; any contents behind them. The inputs as they are where every row
  /// has a target.
  let inputs: Tensor
  /// A target for each. Where no row has one, the first row stands there, to be ignored.
  let targets: [Int32]
  /// Where each was; nil: all where they were.
  private let places: [Int]?

  var count: Int { targets.count }

  init(of inputs: Tensor, targets: [Int32]) {
    let found = targets.indices.filter { targets[$0] >= 0 }
    guard found.count < targets.count else {
      (self.inputs, self.targets, places) = (inputs, targets, nil)
      return
    }
    let places = found.isEmpty ? [0] : found
    let width = inputs.shape.last
    let together = Tensor(uninitialized: inputs.shape, in: inputs.workspace)
    for (row, place) in places.enumerated() {
      (together.pointer + row * width).update(from: inputs.pointer + place * width, count: width)
    }
    (self.inputs, self.targets, self.places) = (together, places.map { targets[$0] }, places)
  }

  /// Moves rows to where they belong, in place, and zeroes all others.
  func spread(_ rows: Tensor) {
    guard let places else { return }
    let width = rows.shape.last
    // From the last on: a row never moves to where another still lies.
    var end = rows.shape.rows
    for (row, place) in places.enumerated().reversed() {
      let target = rows.pointer + place * width
      if place > row { target.update(from: rows.pointer + row * width, count: width) }
      (target + width).update(repeating: 0, count: (end - place - 1) * width)
      end = place
    }
    rows.pointer.update(repeating: 0, count: end * width)
  }
}

/// Rows cut into chunks of about equal height whose logits take at most about 96 MiB; in bfloat16 128 MiB,
/// since there each chunk's packing of the weight is a larger part of the work. A chunk's height is part of
/// the result: gradients of the weight are added up chunk by chunk.
private struct LogitChunks {
  let height: Int

  init(rows: Int, classes: Int, format: ProductFormat) {
    let most = max(64, (format == .bfloat16 ? 32 << 20 : 24 << 20) / classes)
    let count = max(1, (rows + most - 1) / most)
    height = max(1, min(rows, ((rows + count - 1) / count + 63) / 64 * 64))
  }

  func ranges(of rows: Int) -> [Range<Int>] {
    stride(from: 0, to: rows, by: height).map { $0..<min(rows, $0 + height) }
  }
}
