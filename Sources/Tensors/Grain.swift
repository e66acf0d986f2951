/// How much work makes a task: below, handing it to another thread costs more than it saves.
/// Grains decide where work is cut; but for those that say so, that changes no result.
enum Grain {
  /// Elements of a memory-bound pass.
  static let elementwise = 16_384
  /// Elements of a pass with exponentials.
  static let transcendental = 4_096
  /// Multiply-adds of a part of a matrix product.
  static let product = 1 << 20
  /// Rows of logits.
  static let logitRows = 16

  /// Rows a fixed block has in sums over rows: part of the result's bits, never changed by threads.
  static let rowBlock = 64
}
