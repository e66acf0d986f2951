// B images, H rows and W columns of pixels, S the side of a patch, T = H/S · W/S patches.

extension Tensor {
  /// Cuts images into square patches, row by row, each a vector of its pixels, row by row.
  ///
  /// - Parameter side: S, a divisor of H and W.
  /// - Returns: [B, T, S²] for self [B, H, W].
  public func patches(side: Int) -> Tensor {
    precondition(
      shape.rank == 3 && side > 0 && shape[1] % side == 0 && shape[2] % side == 0,
      "patches of side \(side) do not tile images \(shape)")
    let (images, height, width) = (shape[0], shape[1], shape[2])
    let result = Tensor(
      uninitialized: [images, height / side * (width / side), side * side], in: workspace)
    /// Each run of S pixels: where it begins in the images, and in the patches.
    func forEachRun(_ body: (_ pixel: Int, _ element: Int) -> Void) {
      for image in 0..<images {
        for row in 0..<height {
          for column in 0..<width / side {
            let patch = image * (height / side) * (width / side) + row / side * (width / side)
            body(
              (image * height + row) * width + column * side,
              ((patch + column) * side + row % side) * side)
          }
        }
      }
    }
    forEachRun { pixel, element in
      (result.pointer + element).update(from: pointer + pixel, count: side)
    }
    return result.recorded(inputs: [self]) { [node] gradient in
      node?.addGradient { destination, adds in
        forEachRun { pixel, element in
          for offset in 0..<side {
            let slope = gradient.pointer[element + offset]
            destination[pixel + offset] = adds ? destination[pixel + offset] + slope : slope
          }
        }
      }
    }
  }
}
