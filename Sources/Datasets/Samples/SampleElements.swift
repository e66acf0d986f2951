/// Numbers in memory that nobody changes: this process's own, or shared by the ranks of a host.
public struct SampleElements<Number: BitwiseCopyable & Sendable>: RandomAccessCollection, Sendable {
  /// Valid as long as the owner lives.
  nonisolated(unsafe) private let elements: UnsafeBufferPointer<Number>
  private let owner: any Sendable

  /// A copy of an array.
  public init(_ array: [Number]) {
    let allocation = Allocation(array)
    elements = UnsafeBufferPointer(allocation.memory)
    owner = allocation
  }

  /// Numbers that are in memory already.
  ///
  /// - Parameters:
  ///   - bytes: Nothing changes them any more; aligned for the numbers.
  ///   - owner: Keeps them.
  init(viewing bytes: UnsafeRawBufferPointer, owner: any Sendable) {
    elements = bytes.assumingMemoryBound(to: Number.self)
    self.owner = owner
  }

  public var startIndex: Int { 0 }
  public var endIndex: Int { elements.count }
  public subscript(index: Int) -> Number { elements[index] }

  /// Calls `body` with the numbers' bytes.
  package func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows
    -> Result
  {
    try withExtendedLifetime(owner) { try body(UnsafeRawBufferPointer(elements)) }
  }

  private final class Allocation: @unchecked Sendable {
    let memory: UnsafeMutableBufferPointer<Number>

    init(_ array: [Number]) {
      memory = .allocate(capacity: array.count)
      _ = memory.initialize(from: array)
    }

    deinit { memory.deallocate() }
  }
}
