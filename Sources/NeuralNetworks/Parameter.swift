import LockstepTensors

/// A trainable array: declared with its shape and initialiser by the layer that owns it, and given
/// its memory by the `ParameterStore` that gathers a model's parameters.
public final class Parameter {
  public let shape: Shape
  public let initializer: Initializer
  /// Whether weight decay applies; by default to matrices only, not to biases and norms.
  public let decays: Bool
  /// Where a matrix has its inputs and outputs.
  public let layout: WeightLayout

  /// Whether training changes it. Default: yes.
  public private(set) var isTrained = true
  /// Whether it is the weight of a `Linear`, which is only used by calling that layer.
  var isOfLinearLayer = false
  /// Whether it is only used as a table of rows or as the weight of a product.
  var canBeCompact = false
  /// How it is kept; nil: as floats.
  private(set) var form: CompactForm?
  /// Whether an adapter consists of it.
  var isOfAdapter = false
  /// Whether it is of a head that is trained and stored beside an adapter.
  var isOfHead = false
  /// What is trained in its place; nil: nothing.
  private(set) var adapter: LowRankAdapter?
  /// Whether the layer computes as if there were no adapter; see `AdaptedLayers`.
  var isAdapterSetAside = false
  /// The adapter that the layer computes with.
  var activeAdapter: LowRankAdapter? { isAdapterSetAside ? nil : adapter }

  private var bound: Tensor?
  /// Waits until the values are there. Default: they always are.
  var awaitValues: (() -> Void)?

  /// - Parameters:
  ///   - shape: As stored and as written to checkpoints.
  ///   - initializer: Fills it before training.
  ///   - decays: Default: whether the shape has at least two dimensions.
  ///   - layout: Default: `.outputsByInputs`, PyTorch's.
  public init(
    _ shape: Shape, initializer: Initializer, decays: Bool? = nil,
    layout: WeightLayout = .outputsByInputs
  ) {
    self.shape = shape
    self.initializer = initializer
    self.decays = decays ?? (shape.rank >= 2)
    self.layout = layout
  }

  /// Inputs and outputs that an element's product takes part in, as initialisers count them: with
  /// further dimensions (of a convolution), times the elements of those. A vector's are its length.
  public var fans: (inputs: Int, outputs: Int) {
    let extents = shape.dimensions
    guard extents.count >= 2 else { return (shape.count, shape.count) }
    let field = extents[2...].reduce(1, *)
    let (first, second) = (extents[0] * field, extents[1] * field)
    return layout == .outputsByInputs ? (second, first) : (first, second)
  }

  /// The values, as a tensor whose gradient goes to the store's gradient buffer.
  public var tensor: Tensor {
    guard let bound else {
      preconditionFailure(
        "a parameter of shape \(shape) is used before a ParameterStore gave it memory")
    }
    awaitValues?()
    return bound
  }

  /// Leaves the parameter as it is from now on: no gradient of it is computed, and no optimiser
  /// changes it. To be called before a `ParameterStore` is made.
  public func freeze() {
    isTrained = false
  }

  /// Adds what is trained in place of the weight of a linear layer. To be called before a
  /// `ParameterStore` is made.
  func adapt(as form: LowRankAdapter.Form) {
    let fans = fans
    adapter = LowRankAdapter(form, inputs: fans.inputs, outputs: fans.outputs)
  }

  /// Keeps it compactly, where it can be. To be called before a `ParameterStore` is made.
  func keep(as form: CompactForm) {
    if canBeKept(as: form) { self.form = form }
  }

  func canBeKept(as form: CompactForm) -> Bool {
    canBeCompact && !isTrained && form.floatCount(of: shape) != nil
  }

  func bind(to tensor: Tensor) {
    bound = tensor
  }
}
