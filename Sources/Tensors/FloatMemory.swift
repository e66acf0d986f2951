import Foundation

/// Floats that tensors are views of: the flat buffer of a model's parameters, or of their gradients.
///
/// A view of them holds this object, and it holds the memory: a tensor may outlive the trainer or
/// the file that it came from.
public final class FloatMemory {
  public let elements: UnsafeMutableBufferPointer<Float>
  /// Whose memory it is; nil: its own.
  private let owner: AnyObject?

  /// Memory of its own, zero at first: the system gives pages of zeros when they are first touched. Where it
  /// has none, the process ends with a message and exit code 1.
  ///
  /// - Parameter count: How many floats.
  public convenience init(count: Int) {
    guard let memory = Self.zeros(count) else {
      AvailableMemory.end(
        needing: count * MemoryLayout<Float>.stride, available: AvailableMemory.current())
    }
    self.init(owning: memory)
  }

  /// As ``init(count:)``; nil where the system has none.
  package convenience init?(ifThereIs count: Int) {
    guard let memory = Self.zeros(count) else { return nil }
    self.init(owning: memory)
  }

  private init(owning elements: UnsafeMutableBufferPointer<Float>) {
    self.elements = elements
    owner = nil
  }

  private static func zeros(_ count: Int) -> UnsafeMutableBufferPointer<Float>? {
    guard let memory = calloc(max(count, 1), MemoryLayout<Float>.stride) else { return nil }
    return UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: Float.self, capacity: count), count: count)
  }

  /// Somebody else's memory.
  ///
  /// - Parameter owner: Keeps the memory for as long as it lives.
  public init(viewing elements: UnsafeMutableBufferPointer<Float>, owner: AnyObject) {
    self.elements = elements
    self.owner = owner
  }

  deinit {
    if owner == nil { free(elements.baseAddress) }
  }

  /// A view of some of the floats, which holds this memory.
  func buffer(_ range: Range<Int>) -> Buffer {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= elements.count,
      "floats \(range) are not in memory of \(elements.count)")
    guard let base = elements.baseAddress else {
      preconditionFailure("there is nothing to view in memory without floats")
    }
    return Buffer(viewing: base + range.lowerBound, count: range.count, owner: self)
  }
}
