import CLockstepKernels

extension Tensor {
  /// The mean over the positions of each sequence.
  ///
  /// - Returns: [B, D] for self [B, T, D].
  public func meanOverPositions() -> Tensor {
    precondition(shape.rank == 3 && shape[1] > 0, "meanOverPositions needs [B, T, D], not \(shape)")
    let (sequences, positions, width) = (shape[0], shape[1], shape[2])
    let share = 1 / Float(positions)
    let result = Tensor(uninitialized: [sequences, width], in: workspace)
    workspace.threads.run(tasks: sequences) { sequence in
      let mean = result.pointer + sequence * width
      CKernels_columnSums(
        pointer + sequence * positions * width, mean, Int64(positions), Int64(width),
        Int64(width), 0)
      CKernels_scale(mean, share, mean, Int64(width))
    }
    return result.recorded(inputs: [self]) { [node] gradient in
      node?.addGradient { destination, adds in
        gradient.workspace.threads.run(tasks: sequences) { sequence in
          let slopes = gradient.pointer + sequence * width
          for position in 0..<positions {
            let row = destination + (sequence * positions + position) * width
            if adds {
              CKernels_accumulateScaled(slopes, share, row, Int64(width))
            } else {
              CKernels_scale(slopes, share, row, Int64(width))
            }
          }
        }
      }
    }
  }
}
