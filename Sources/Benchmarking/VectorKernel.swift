// R rows, D columns.

import CLockstepKernels
import LockstepParallelism

/// A kernel of a training step that does little but read and write memory, and how to run it over
/// arrays that no cache holds.
struct VectorKernel {
  let name: String
  /// Arrays of the memory's size that one run reads and writes, each direction counted.
  let arrays: Int
  /// Makes what the kernel needs besides, once for all runs; what it returns runs the kernel over
  /// all of the memory.
  let prepared: (BenchmarkMemory) -> (ThreadPool) -> Void

  /// Columns of a row: GPT-2's width.
  private static let width = 768
  /// Half of a head's columns.
  fileprivate static let halfHead = 32
  private static let heads = Int64(width / (2 * halfHead))
  /// Columns of the attention's scores.
  private static let keys = 1024
  /// Columns of the logits, a multiple of a cache line that is near GPT-2's vocabulary.
  private static let vocabulary = 50_304

  /// Arrays that a kernel needs at most.
  static let arrayCount = 5

  static var all: [VectorKernel] {
    [
      rowwise("layer norm, forward", arrays: 2, columns: width) { memory, rows, small in
        CKernels_layerNormForward(
          memory[0] + rows.lowerBound * width, small.weight, small.bias, 1e-5,
          memory[1] + rows.lowerBound * width, small.means + rows.lowerBound,
          small.deviations + rows.lowerBound, Int64(rows.count), Int64(width))
      },
      rowwise("layer norm, backward", arrays: 3, columns: width) { memory, rows, small in
        CKernels_layerNormBackward(
          memory[0] + rows.lowerBound * width, small.weight, small.means + rows.lowerBound,
          small.deviations + rows.lowerBound, memory[1] + rows.lowerBound * width,
          memory[2] + rows.lowerBound * width, 0, small.sums(of: rows),
          small.sums(of: rows) + width, Int64(rows.count), Int64(width))
      },
      rowwise("RMS norm, forward", arrays: 2, columns: width) { memory, rows, small in
        CKernels_rmsNormForward(
          memory[0] + rows.lowerBound * width, small.weight, 1e-5,
          memory[1] + rows.lowerBound * width, small.deviations + rows.lowerBound,
          Int64(rows.count), Int64(width))
      },
      rowwise("RMS norm, backward", arrays: 3, columns: width) { memory, rows, small in
        CKernels_rmsNormBackward(
          memory[0] + rows.lowerBound * width, small.weight, small.deviations + rows.lowerBound,
          memory[1] + rows.lowerBound * width, memory[2] + rows.lowerBound * width, 0,
          small.sums(of: rows), Int64(rows.count), Int64(width))
      },
      rowwise("rotary embedding", arrays: 2, columns: width) { memory, rows, small in
        CKernels_rotate(
          memory[0] + rows.lowerBound * width, Int64(width), memory[1] + rows.lowerBound * width,
          Int64(width), small.angles, small.angles, Int64(rows.count), heads, Int64(halfHead), 1, 0)
      },
      elementwise("GELU, forward", arrays: 2) { memory, start, count in
        CKernels_activationForward(
          CKernels_geluTanh, 0, memory[0] + start, memory[1] + start, count)
      },
      elementwise("GELU, backward", arrays: 3) { memory, start, count in
        CKernels_activationBackward(
          CKernels_geluTanh, 0, memory[0] + start, memory[1] + start, memory[2] + start, count, 0)
      },
      elementwise("SwiGLU, forward", arrays: 3) { memory, start, count in
        CKernels_swigluForward(memory[0] + start, memory[1] + start, memory[2] + start, count)
      },
      elementwise("SwiGLU, backward", arrays: 5) { memory, start, count in
        CKernels_swigluBackward(
          memory[0] + start, memory[1] + start, memory[2] + start, memory[3] + start,
          memory[4] + start, count, 0, 0)
      },
      rowwise("softmax, forward", arrays: 2, columns: keys) { memory, rows, small in
        CKernels_softmaxForward(
          memory[0] + rows.lowerBound * keys, 0.125, Int64(rows.count), Int64(keys), Int64(keys),
          Int64(keys), 0, small.means + rows.lowerBound, small.deviations + rows.lowerBound)
      },
      rowwise("softmax, backward", arrays: 3, columns: keys) { memory, rows, small in
        CKernels_softmaxBackward(
          memory[0] + rows.lowerBound * keys, memory[1] + rows.lowerBound * keys,
          small.means + rows.lowerBound, 0.125, Int64(rows.count), Int64(keys), Int64(keys))
      },
      rowwise("cross-entropy", arrays: 2, columns: vocabulary) { memory, rows, small in
        CKernels_crossEntropy(
          memory[0] + rows.lowerBound * vocabulary, small.targets + rows.lowerBound,
          small.means + rows.lowerBound, 0, 1, Int64(rows.count), Int64(vocabulary),
          Int64(vocabulary))
      },
      elementwise("dropout", arrays: 2) { memory, start, count in
        var stream = CKernels_RandomStream(seed: 1, site: 2, step: 3, microbatch: 4)
        CKernels_dropout(
          &stream, 0.1, Int64(start), memory[0] + start, memory[1] + start, count, 0)
      },
      elementwise("residual add", arrays: 3) { memory, start, count in
        CKernels_add(memory[0] + start, memory[1] + start, memory[2] + start, count)
      },
      rowwise("column sums", arrays: 1, columns: width) { memory, rows, small in
        CKernels_columnSums(
          memory[0] + rows.lowerBound * width, small.sums(of: rows), Int64(rows.count),
          Int64(width), Int64(width), 0)
      },
      elementwise("AdamW", arrays: 7) { memory, start, count in
        let step = CKernels_AdamStep(
          gradient_scale: 1e-3, decay: 0, keep: 0.9999, mean_rate: 0.1, variance_keep: 0.95,
          variance_rate: 0.05, step_size: 1e-4, gradient_step: 0, variance_correction: 1,
          epsilon: 1e-8)
        CKernels_adam(
          memory[0] + start, memory[1] + start, memory[2] + start, memory[3] + start, count, step)
      },
      elementwise("tree sum with squares", arrays: 3) { memory, start, count in
        let sources: [UnsafePointer<Float>?] = [
          UnsafePointer(memory[0]), UnsafePointer(memory[1]),
        ]
        _ = CKernels_sumTreeWithSquares(
          memory[0] + start, sources, [0, 1], 2, Int64(start), count)
      },
    ]
  }

  /// The fastest run, in 10⁹ bytes a second.
  func gigabytes(_ memory: BenchmarkMemory, threads: ThreadPool, seconds: Double) -> Double {
    let run = prepared(memory)
    let fastest = fastestRun(for: seconds) { run(threads) }
    return Double(arrays * memory.elementCount * MemoryLayout<Float>.stride) / fastest / 1e9
  }

  // MARK: - How work is dealt out

  private static func elementwise(
    _ name: String, arrays: Int, _ body: @escaping (BenchmarkMemory, Int, Int64) -> Void
  ) -> VectorKernel {
    VectorKernel(name: name, arrays: arrays) { memory in
      // Random streams may be cut at multiples of 64 elements.
      let block = 1 << 16
      return { threads in
        threads.run(tasks: (memory.elementCount + block - 1) / block) { task in
          let start = task * block
          body(memory, start, Int64(min(block, memory.elementCount - start)))
        }
      }
    }
  }

  /// A kernel over rows, of which as many are taken as fit; they come in 64 tasks.
  private static func rowwise(
    _ name: String, arrays: Int, columns: Int,
    _ body: @escaping (BenchmarkMemory, Range<Int>, RowMemory) -> Void
  ) -> VectorKernel {
    VectorKernel(name: name, arrays: arrays) { memory in
      let rows = memory.elementCount / columns
      let small = RowMemory(rows: rows, columns: columns)
      return { threads in
        threads.run(tasks: RowMemory.taskCount) { task in
          let first = rows * task / RowMemory.taskCount
          body(memory, first..<rows * (task + 1) / RowMemory.taskCount, small)
        }
      }
    }
  }
}

/// What a kernel over rows needs besides: a few numbers for each row or column.
private final class RowMemory {
  static let taskCount = 64

  let weight: UnsafeMutablePointer<Float>
  let bias: UnsafeMutablePointer<Float>
  let means: UnsafeMutablePointer<Float>
  let deviations: UnsafeMutablePointer<Float>
  let targets: UnsafeMutablePointer<Int32>
  /// Cosines or sines for half a head, at as many positions as a task has rows.
  let angles: UnsafeMutablePointer<Float>
  private let sums: UnsafeMutablePointer<Float>
  private let rows: Int
  private let columns: Int

  init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    func floats(_ count: Int) -> UnsafeMutablePointer<Float> {
      let memory = UnsafeMutablePointer<Float>.allocate(capacity: count)
      memory.initialize(repeating: 0.5, count: count)
      return memory
    }
    weight = floats(columns)
    bias = floats(columns)
    means = floats(rows)
    deviations = floats(rows)
    targets = .allocate(capacity: rows)
    targets.initialize(repeating: 1, count: rows)
    angles = floats((rows / Self.taskCount + 1) * VectorKernel.halfHead)
    sums = floats(Self.taskCount * 2 * columns)
  }

  /// Room for two sums over columns, the task's own.
  func sums(of rows: Range<Int>) -> UnsafeMutablePointer<Float> {
    let task = (rows.lowerBound * Self.taskCount + self.rows - 1) / self.rows
    return sums + task * 2 * columns
  }

  deinit {
    for memory in [weight, bias, means, deviations, angles, sums] { memory.deallocate() }
    targets.deallocate()
  }
}
