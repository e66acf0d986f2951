import CLockstepKernels
import LockstepParallelism

/// How the weight of a linear layer lies in memory.
public enum WeightLayout: Sendable {
  /// [outputs, inputs]: y = x Wᵀ + b, as PyTorch's `nn.Linear` stores it.
  case outputsByInputs
  /// [inputs, outputs]: y = x W + b, as GPT-2's `Conv1D` stores it.
  case inputsByOutputs
}

extension Tensor {
  /// An affine map of the innermost dimension: x W + b, or that added to another tensor, or activation(x W + b).
  ///
  /// - Parameters:
  ///   - weight: [outputs, inputs] or [inputs, outputs], as `layout` says.
  ///   - bias: [outputs], or nil.
  ///   - layout: Default: `.outputsByInputs`.
  ///   - addend: The sum is added to it, of as many elements in rows of `outputs`: the bits of
  ///     `addend + linear(…)`, without a pass of its own. Not together with an activation. Default: nil.
  ///   - activation: Applied to the sum; nil for none. Default: nil.
  /// - Returns: [..., outputs] for self [..., inputs].
  public func linear(
    weight: Tensor, bias: Tensor? = nil, layout: WeightLayout = .outputsByInputs,
    addedTo addend: Tensor? = nil, activation: Activation? = nil
  ) -> Tensor {
    let map = LinearMap(input: self, weight: weight, bias: bias, layout: layout)
    guard let activation else {
      let result = map.forward(nil, addedTo: addend).result
      return result.recorded(inputs: (addend.map { [$0] } ?? []) + map.parents) {
        [node = addend?.node] gradient in
        node?.passGradient(gradient)
        map.backward(gradient)
      }
    }
    let (slopes, result) = map.forward(activation, keepsSlopes: map.isDifferentiated)
    return result.recorded(inputs: map.parents) { gradient in
      map.backward(gradient, times: slopes)
    }
  }

  /// As `linear`, with what comes next: large activations in between are not kept for the backward pass,
  /// but computed again from the sum, together with the activation's slope. The same bits; of the two
  /// large tensors between the layers of a feed-forward network one remains.
  ///
  /// - Parameters:
  ///   - multipliesOnly: Whether `next` uses its argument as a factor of products and for nothing else, as
  ///     `linear` does. Products in bfloat16 round it: it is rounded at once then, and takes half the memory.
  ///     Default: false.
  ///   - next: Uses its argument in operations, and does not hand it on as it is.
  /// - Returns: What `next` returns.
  public func linear(
    weight: Tensor, bias: Tensor? = nil, layout: WeightLayout = .outputsByInputs,
    activation: Activation, multipliesOnly: Bool = false, for next: (Tensor) -> Tensor
  ) -> Tensor {
    let map = LinearMap(input: self, weight: weight, bias: bias, layout: layout)
    let form = multipliesOnly ? workspace.products.format.factorForm : nil
    let isReleased = map.isDifferentiated && map.resultCount >= Self.smallestReleased
    let (sum, result) = map.forward(
      activation, form: form, keepsSlopes: map.isDifferentiated && !isReleased)
    // By then the sum's memory holds the slopes.
    let hidden = result.recorded(inputs: map.parents) { gradient in
      map.backward(gradient, times: sum)
    }
    let output = next(hidden)
    guard isReleased else { return output }
    result.releaseElements()
    hidden.releaseElements()
    // Recorded after the next part, so its turn in the backward pass comes before.
    return output.recorded(inputs: [output]) { [node = output.node] gradient in
      hidden.restoreElements(from: activation.againWithSlope(inPlaceOf: sum, form: form))
      node?.passGradient(gradient)
    }
  }
}

extension Matrix {
  /// A weight as the right factor of x W: [inputs, outputs].
  fileprivate func asFactor(_ layout: WeightLayout) -> Matrix {
    layout == .inputsByOutputs ? self : transposed
  }
}

/// What the backward pass of y = x W + b needs.
private struct LinearMap {
  let input: Tensor
  let weight: Tensor
  let bias: Tensor?
  let layout: WeightLayout

  init(input: Tensor, weight: Tensor, bias: Tensor?, layout: WeightLayout) {
    self.input = input
    self.weight = weight
    self.bias = bias
    self.layout = layout
    precondition(
      input.shape.last == inputs,
      "linear: input \(input.shape) does not end with the weight's \(inputs)")
    precondition(
      bias.map { $0.count == outputs } ?? true, "linear: bias is not of \(outputs) elements")
  }

  var parents: [Tensor] { [input, weight] + (bias.map { [$0] } ?? []) }
  private var inputs: Int { weight.shape[layout == .inputsByOutputs ? 0 : 1] }
  private var outputs: Int { weight.shape[layout == .inputsByOutputs ? 1 : 0] }

  /// Whether there will be a backward pass.
  var isDifferentiated: Bool {
    input.workspace.isRecording && parents.contains(where: \.requiresGradient)
  }

  /// Elements of the result.
  var resultCount: Int { input.shape.rows * outputs }

  /// x W + b and its activation; twice the same without an activation.
  ///
  /// - Parameters:
  ///   - addend: What the sum is added to; nil for nothing. Default: nil.
  ///   - form: How the activations are kept. Default: as floats.
  ///   - keepsSlopes: Whether the slopes of the activation take the place of x W + b. Default: false.
  func forward(
    _ activation: Activation?, addedTo addend: Tensor? = nil, form: CompactForm? = nil,
    keepsSlopes: Bool = false
  ) -> (sum: Tensor, result: Tensor) {
    let workspace = input.workspace
    let sum = Tensor(uninitialized: input.shape.replacingLast(with: outputs), in: workspace)
    precondition(
      addend.map { $0.count == sum.count && $0.shape.last == outputs } ?? true,
      "linear: \(sum.shape) can not be added to \(addend?.shape ?? [])")
    let result =
      activation == nil ? sum : Tensor(uninitialized: sum.shape, form: form, in: workspace)
    let rows = input.shape.rows
    workspace.products.count(
      rows: rows, inner: inputs, columns: outputs,
      gradients: workspace.isRecording ? [input, weight].count(where: \.requiresGradient) : 0)
    weight.forPieces { _, factor in
      workspace.products.multiply(
        input.factor, factor.asFactor(layout),
        into: Matrix(sum.pointer, stride: outputs),
        rows: rows, columns: outputs, inner: inputs,
        epilogue: ProductEpilogue(
          bias: bias.map { UnsafePointer($0.pointer) }, added: addend, activation: activation,
          into: activation == nil ? nil : result, keepsSlopes: keepsSlopes))
    }
    return (sum, result)
  }

  /// dx = dy Wᵀ, dW = xᵀ dy, db = the sum of dy's rows.
  ///
  /// - Parameter gradient: dy, [..., outputs].
  func backward(_ gradient: Tensor) {
    runTogether { tasks in
      if let samples = input.workspace.sampleGradients, add(gradient, to: samples) {
        return passBack(gradient, with: &tasks)
      }
      multiplyBackward(gradient, with: &tasks)
      addBias(gradient, with: &tasks)
    }
  }

  /// Runs the tasks that `body` gathers.
  private func runTogether(_ body: (inout JointTasks) -> Void) {
    var tasks = JointTasks(on: input.workspace.threads)
    body(&tasks)
    tasks.run()
  }

  /// db.
  private func addBias(_ gradient: Tensor, with tasks: inout JointTasks) {
    let (rows, outputs) = (gradient.shape.rows, outputs)
    bias?.addGradient { db, adds in
      let grain = max(16, Grain.elementwise / max(rows, 1))
      tasks.add(over: outputs, grain: grain) { columns in
        CKernels_columnSums(
          gradient.pointer + columns.lowerBound, db + columns.lowerBound, Int64(rows),
          Int64(columns.count), Int64(outputs), adds ? 1 : 0)
      }
    }
  }

  /// Leaves the gradients of weight and bias to the code that keeps samples apart.
  ///
  /// - Returns: Whether it could.
  private func add(_ gradient: Tensor, to samples: SampleGradients) -> Bool {
    let trained = [weight, bias].compactMap { $0?.node }
    // What is made of parameters has a gradient that goes on.
    guard !trained.isEmpty, trained.allSatisfy({ $0.origin == nil }),
      let squares = gradient.linearSquares(
        input: input, samples: samples.sampleCount, hasWeight: weight.node != nil,
        hasBias: bias?.node != nil)
    else { return false }
    samples.add(trained, squares: squares) { factors in
      let scaled = gradient.scaledSamples(by: factors)
      runTogether { tasks in
        addWeight(scaled, with: &tasks)
        addBias(scaled, with: &tasks)
      }
    }
    return true
  }

  /// The same for dy = gradient · slopes, which is left in the memory of the slopes or, for products that round
  /// it, nowhere as floats, unless samples are told apart. db is summed up on the way.
  ///
  /// - Parameters:
  ///   - gradient: [..., outputs].
  ///   - slopes: Of the same shape.
  func backward(_ gradient: Tensor, times slopes: Tensor) {
    let workspace = input.workspace
    guard workspace.sampleGradients == nil else {
      gradient.multiplyElements(with: slopes, into: slopes.pointer, adds: false)
      return backward(slopes)
    }
    let dy =
      workspace.products.format.factorForm.map {
        Tensor(uninitialized: gradient.shape, form: $0, in: workspace)
      } ?? slopes
    // Rows stay with the thread that has them in its caches; each block has sums of its own.
    let blocks = RowBlocks(rows: gradient.shape.rows, columns: outputs)
    let sums = Tensor(uninitialized: [blocks.count, outputs], in: workspace)
    blocks.runStrips(on: workspace) { rows, columns, index in
      let first = rows.lowerBound * outputs + columns.lowerBound
      let own = sums.pointer + index * outputs + columns.lowerBound
      let (height, width, stride) = (Int64(rows.count), Int64(columns.count), Int64(outputs))
      if dy.form == nil {
        CKernels_multiplyAndSum(
          gradient.pointer + first, slopes.pointer + first, dy.pointer + first, own, height, width,
          stride)
      } else {
        CKernels_multiplyRounded(
          gradient.pointer + first, slopes.pointer + first, dy.roundedPointer + first, own, height,
          width, stride)
      }
    }
    // In the order of CKernels_columnSums, whose blocks they are.
    bias?.addGradient { db, adds in
      if !adds { db.update(repeating: 0, count: outputs) }
      for index in 0..<blocks.count {
        CKernels_accumulate(sums.pointer + index * outputs, db, Int64(outputs))
      }
    }
    runTogether { multiplyBackward(dy, with: &$0) }
  }

  /// dW and dx.
  private func multiplyBackward(_ gradient: Tensor, with tasks: inout JointTasks) {
    // Of what is multiplied with itself, both go to one gradient.
    guard input.node !== weight.node || input.node == nil else {
      runTogether { addWeight(gradient, with: &$0) }
      return passBack(gradient, with: &tasks)
    }
    addWeight(gradient, with: &tasks)
    passBack(gradient, with: &tasks)
  }

  /// dW.
  private func addWeight(_ gradient: Tensor, with tasks: inout JointTasks) {
    let rows = gradient.shape.rows
    let products = input.workspace.products
    let (dy, x) = (gradient.factor, input.factor)
    weight.addGradient { dw, adds in
      if layout == .inputsByOutputs {
        products.multiply(
          x.transposed, dy, into: Matrix(dw, stride: outputs), rows: inputs, columns: outputs,
          inner: rows, adds: adds, with: &tasks)
      } else {
        products.multiply(
          dy.transposed, x, into: Matrix(dw, stride: inputs), rows: outputs, columns: inputs,
          inner: rows, adds: adds, with: &tasks)
      }
    }
  }

  /// dx.
  private func passBack(_ gradient: Tensor, with tasks: inout JointTasks) {
    let rows = gradient.shape.rows
    let products = input.workspace.products
    let dy = gradient.factor
    input.addGradient { dx, adds in
      weight.forPieces { _, factor in
        let (factor, dx) = (factor.asFactor(layout).transposed, Matrix(dx, stride: inputs))
        if weight.form == nil {
          products.multiply(
            dy, factor, into: dx, rows: rows, columns: inputs, inner: outputs, adds: adds,
            with: &tasks)
        } else {
          // A piece lasts no longer than this call.
          products.multiply(
            dy, factor, into: dx, rows: rows, columns: inputs, inner: outputs, adds: adds)
        }
      }
    }
  }
}
