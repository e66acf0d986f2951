/// The extents of a dense, row-major tensor, outermost first. The empty shape is a scalar.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  public let dimensions: [Int]

  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "a shape has no negative extent: \(dimensions)")
    self.dimensions = dimensions
  }

  public init(arrayLiteral dimensions: Int...) {
    self.init(dimensions)
  }

  /// How many elements a tensor of this shape has.
  public var count: Int { dimensions.reduce(1, *) }

  /// How many dimensions there are; 0 for a scalar.
  public var rank: Int { dimensions.count }

  /// The innermost extent; 1 for a scalar.
  public var last: Int { dimensions.last ?? 1 }

  /// How many rows of `last` elements there are.
  public var rows: Int { dimensions.dropLast().reduce(1, *) }

  /// The extent at `index`, counted from the end where negative.
  public subscript(index: Int) -> Int {
    dimensions[index < 0 ? dimensions.count + index : index]
  }

  /// This shape with another innermost extent.
  public func replacingLast(with extent: Int) -> Shape {
    Shape(dimensions.dropLast() + [extent])
  }

  public var description: String {
    "[" + dimensions.map(String.init).joined(separator: ", ") + "]"
  }
}
