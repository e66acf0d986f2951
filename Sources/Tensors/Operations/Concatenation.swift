import CLockstepKernels

extension Tensor {
  /// Tensors one after the other along a dimension.
  ///
  /// - Parameters:
  ///   - tensors: At least one; alike but for their extents along the dimension.
  ///   - dimension: Which, from 0; -1 is the innermost. Default: 0.
  /// - Returns: Of their shape, the extents along the dimension added up.
  public static func concatenated(_ tensors: [Tensor], along dimension: Int = 0) -> Tensor {
    guard let first = tensors.first else {
      preconditionFailure("concatenated needs at least one tensor")
    }
    let axis = dimension < 0 ? first.shape.rank + dimension : dimension
    precondition(
      first.shape.dimensions.indices.contains(axis),
      "concatenated: \(first.shape) has no dimension \(dimension)")
    var extents = first.shape.dimensions
    extents[axis] = 0
    for tensor in tensors {
      var others = tensor.shape.dimensions
      precondition(
        others.count == extents.count, "concatenated: \(first.shape) and \(tensor.shape) differ")
      extents[axis] += others[axis]
      others[axis] = extents[axis]
      precondition(others == extents, "concatenated: \(first.shape) and \(tensor.shape) differ")
    }
    // A tensor is a matrix with a row for each place before the dimension.
    let rows = extents[..<axis].reduce(1, *)
    let result = Tensor(uninitialized: Shape(extents), in: first.workspace)
    let columns = extents[axis...].reduce(1, *)
    var start = 0
    let parts = tensors.map { tensor -> (tensor: Tensor, start: Int, width: Int) in
      let width = tensor.count / max(rows, 1)
      defer { start += width }
      return (tensor, start, width)
    }
    for part in parts {
      for row in 0..<rows {
        (result.pointer + row * columns + part.start).update(
          from: part.tensor.pointer + row * part.width, count: part.width)
      }
    }
    let places = parts.map { (node: $0.tensor.node, start: $0.start, width: $0.width) }
    return result.recorded(inputs: tensors) { gradient in
      for place in places {
        place.node?.addGradient { destination, adds in
          for row in 0..<rows {
            let source = gradient.pointer + row * columns + place.start
            let target = destination + row * place.width
            if adds {
              CKernels_accumulate(source, target, Int64(place.width))
            } else {
              target.update(from: source, count: place.width)
            }
          }
        }
      }
    }
  }
}
