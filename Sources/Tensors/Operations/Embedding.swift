import CLockstepKernels

/// A rectangle of token ids or positions, [B, T].
public struct Indices: Sendable {
  public let elements: [Int32]
  public let shape: Shape

  /// - Parameters:
  ///   - elements: In row-major order.
  ///   - shape: Of as many elements.
  public init(_ elements: [Int32], shape: Shape) {
    precondition(elements.count == shape.count, "\(elements.count) indices do not fill \(shape)")
    self.elements = elements
    self.shape = shape
  }
}

extension Tensor {
  /// Looks up rows of a table: self is the table, [V, D].
  ///
  /// - Parameter indices: Each in 0 ..< V, [...].
  /// - Returns: [..., D].
  public func rows(at indices: Indices) -> Tensor {
    precondition(shape.rank == 2, "rows(at:) needs a table [V, D], not \(shape)")
    let (tableRows, width) = (shape[0], shape[1])
    precondition(
      indices.elements.allSatisfy { 0 <= $0 && $0 < tableRows },
      "an index is outside of the table's 0 ..< \(tableRows)")
    let result = Tensor(uninitialized: Shape(indices.shape.dimensions + [width]), in: workspace)
    for (place, index) in indices.elements.enumerated() {
      decodeRows(Int(index)..<Int(index) + 1, into: result.pointer + place * width)
    }
    return result.recorded(inputs: [self]) { [node, count] gradient in
      node?.addGradient { destination, adds in
        if !adds { destination.update(repeating: 0, count: count) }
        // Threads share the columns; each column is summed in the order of the places.
        let grain = max(16, Grain.elementwise / max(indices.elements.count, 1))
        gradient.workspace.threads.run(over: width, grain: grain) { columns in
          for (place, index) in indices.elements.enumerated() {
            CKernels_accumulate(
              gradient.pointer + place * width + columns.lowerBound,
              destination + Int(index) * width + columns.lowerBound, Int64(columns.count))
          }
        }
      }
    }
  }

  /// Adds the first T rows of a table to each sequence: x[b, t] + table[start + t].
  ///
  /// - Parameters:
  ///   - table: [at least start + T, D], for self [B, T, D].
  ///   - start: The position of the first row. Default: 0.
  public func addingPositions(_ table: Tensor, from start: Int = 0) -> Tensor {
    precondition(shape.rank == 3, "addingPositions needs [B, T, D], not \(shape)")
    let (sequences, positions, width) = (shape[0], shape[1], shape[2])
    let table = table.whole
    precondition(
      table.shape.rank == 2 && table.shape[1] == width && start >= 0
        && start + positions <= table.shape[0],
      "positions \(start) ..< \(start + positions) of width \(width) are not in a table \(table.shape)"
    )
    let result = Tensor(uninitialized: shape, in: workspace)
    let length = positions * width
    workspace.threads.run(tasks: sequences) { sequence in
      CKernels_add(
        pointer + sequence * length, table.pointer + start * width,
        result.pointer + sequence * length, Int64(length))
    }
    return result.recorded(inputs: [self, table]) { [node] gradient in
      node?.passGradient(gradient)
      table.addGradient { destination, adds in
        if !adds { destination.update(repeating: 0, count: table.count) }
        let grain = Grain.elementwise / max(sequences, 1)
        gradient.workspace.threads.run(over: length, grain: grain) { range in
          CKernels_columnSums(
            gradient.pointer + range.lowerBound, destination + start * width + range.lowerBound,
            Int64(sequences), Int64(range.count), Int64(length), 1)
        }
      }
    }
  }
}
