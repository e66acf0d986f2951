// B sequences, T positions, D width.

import LockstepTensors

/// A branch around which its input is added, and the norm of its input or of the sum.
public struct Residual<Branch: Module>: Module {
  public let branch: Branch
  let norm: any Norm
  let placement: NormPlacement
  let dropout: Float
  private let storesNormFirst: Bool

  /// - Parameters:
  ///   - branch: From [B, T, D] to [B, T, D].
  ///   - norm: Of D elements.
  ///   - placement: Default: before the branch.
  ///   - dropout: Of what the branch gives, in training. Default: 0.
  ///   - storesNormFirst: Whether the norm's parameters are stored before the branch's. Default: if
  ///     it is computed before.
  public init(
    _ branch: Branch, norm: any Norm, placement: NormPlacement = .pre, dropout: Double = 0,
    storesNormFirst: Bool? = nil
  ) {
    self.branch = branch
    self.norm = norm
    self.placement = placement
    self.dropout = Float(dropout)
    self.storesNormFirst = storesNormFirst ?? (placement == .pre)
  }

  public var parts: [(property: String, value: Any)] {
    let (norm, branch): ((String, Any), (String, Any)) = (("norm", norm), ("branch", branch))
    return storesNormFirst ? [norm, branch] : [branch, norm]
  }

  /// x + branch(norm(x)), or norm(x + branch(x)).
  ///
  /// A norm before the branch is computed again in the backward pass: of its output nothing else is
  /// wanted. Where a `MultiplyingBranch` takes it for products in bfloat16, it never exists as floats.
  ///
  /// - Parameters:
  ///   - x: [B, T, D].
  ///   - name: What an observer is told of the branch's output.
  ///   - apply: Computes the branch of its second argument, with whatever else it needs, and adds that to the
  ///     third if there is one.
  /// - Returns: [B, T, D].
  public func callAsFunction(
    _ x: Tensor, as name: @autoclosure () -> String, _ apply: (Branch, Tensor, Tensor?) -> Tensor
  ) -> Tensor {
    // The branch's last layer adds its output to x itself where nothing comes between.
    let workspace = x.workspace
    let isAdded = workspace.observer == nil && (dropout == 0 || !workspace.isTraining)
    let addend = isAdded ? x : nil
    func sum(_ output: Tensor) -> Tensor {
      isAdded ? output : x + output.dropout(dropout).observed(as: name())
    }
    switch placement {
    case .pre:
      let multipliesOnly = (branch as? any MultiplyingBranch)?.multipliesOnly ?? false
      return sum(
        x.recomputing(
          { norm($0, multipliesOnly: multipliesOnly) }, for: { apply(branch, $0, addend) }))
    case .post:
      return norm(sum(apply(branch, x, addend)), multipliesOnly: false)
    }
  }
}

/// Where a block normalises.
public enum NormPlacement: String, CaseIterable, Sendable {
  /// x + f(norm(x)).
  case pre
  /// norm(x + f(x)).
  case post
}

/// A norm over the innermost dimension.
public protocol Norm: Module {
  /// - Parameters:
  ///   - x: [..., D].
  ///   - multipliesOnly: Whether the result is a factor of products and nothing else. It may be rounded as these
  ///     round it then.
  /// - Returns: [..., D].
  func callAsFunction(_ x: Tensor, multipliesOnly: Bool) -> Tensor
}

/// A branch that may do with its input what linear layers do, and nothing else.
public protocol MultiplyingBranch: Module {
  /// Whether its input is a factor of products and nothing else.
  var multipliesOnly: Bool { get }
}

extension LayerNorm: Norm {}
extension RMSNorm: Norm {}
