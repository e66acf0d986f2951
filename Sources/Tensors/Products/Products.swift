import CLockstepKernels
import CLockstepOpenBLAS
import LockstepParallelism

/// The matrix products of one rank: in which format factors are multiplied, by which library, on which
/// threads, and how much. A workspace holds those of a model; an optimiser that multiplies holds float32
/// ones of its own.
///
/// It belongs to one thread, but for `multiply` on the calling thread, which its workers may use.
public final class Products {
  /// May change between two operations. OpenBLAS multiplies in float32 only.
  public var format: ProductFormat { didSet { requireFormat() } }
  public let library: ProductLibrary
  public let threads: ThreadPool
  let packing = PackingMemory()

  /// Floating-point operations of all forward passes so far and of the gradients that their backward
  /// passes compute, two for each multiply-add; those left out that are computed again: the count
  /// belongs to the model, not to how it is computed. Of weeks there are too many for an `Int`.
  public private(set) var operations = 0.0
  /// What `listing` gathers; nil: nothing.
  private var list: ForwardProducts?
  /// Whether a forward pass is computed once more, and has been counted.
  var isRepeating = false

  /// - Parameters:
  ///   - format: Default: float32.
  ///   - library: Default: Lockstep's own.
  ///   - threads: Share out large products.
  public init(
    format: ProductFormat = .float32, library: ProductLibrary = .canonical, threads: ThreadPool
  ) {
    self.format = format
    self.library = library
    self.threads = threads
    requireFormat()
    if library == .openBLAS { openblas_set_num_threads(1) }
  }

  private func requireFormat() {
    precondition(
      format == .float32 || library == .canonical, "OpenBLAS multiplies in float32 only")
  }

  /// C = A B, or C += A B, shared out among the threads.
  ///
  /// - Parameters:
  ///   - a: [rows, inner].
  ///   - b: [inner, columns].
  ///   - c: [rows, columns], not transposed.
  ///   - epilogue: What is done to each element of the product. Default: nothing.
  package func multiply(
    _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int,
    adds: Bool = false, epilogue: ProductEpilogue? = nil
  ) {
    guard rows > 0, columns > 0 else { return }
    if let shared = packsTogether(rows: rows, columns: columns, inner: inner) {
      return shared.multiply(
        a, b, into: c, rows: rows, columns: columns, inner: inner, adds: adds, epilogue: epilogue,
        for: self)
    }
    var tasks = JointTasks(on: threads)
    addParts(
      of: a, b, into: c, rows: rows, columns: columns, inner: inner, adds: adds,
      epilogue: epilogue, to: &tasks)
    tasks.run()
  }

  /// C = A B, or C += A B: computed at once, or with other tasks that do not depend on it.
  ///
  /// - Parameters:
  ///   - a: [rows, inner].
  ///   - b: [inner, columns].
  ///   - c: [rows, columns], not transposed.
  ///   - tasks: With them it is computed, if not at once. Until then the matrices stay.
  func multiply(
    _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool,
    with tasks: inout JointTasks
  ) {
    guard rows > 0, columns > 0 else { return }
    if packsTogether(rows: rows, columns: columns, inner: inner) != nil {
      return multiply(a, b, into: c, rows: rows, columns: columns, inner: inner, adds: adds)
    }
    addParts(
      of: a, b, into: c, rows: rows, columns: columns, inner: inner, adds: adds, epilogue: nil,
      to: &tasks)
  }

  /// How threads pack a right factor together; nil where each packs what it needs.
  private func packsTogether(rows: Int, columns: Int, inner: Int) -> SharedPacking? {
    guard format == .bfloat16 else { return nil }
    return SharedPacking(
      rows: rows, columns: columns, inner: inner, threadCount: threads.threadCount)
  }

  /// Cuts a product into parts for the threads.
  private func addParts(
    of a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int, adds: Bool,
    epilogue: ProductEpilogue?, to tasks: inout JointTasks
  ) {
    let grid = ProductGrid(
      rows: rows, columns: columns, inner: inner, threadCount: threads.threadCount,
      keepsRows: !a.isTransposed)
    tasks.add(grid.count) { [self] index in
      let (rowRange, columnRange) = grid[index]
      let (row, column) = (rowRange.lowerBound, columnRange.lowerBound)
      multiplyHere(
        a.from(row: row), b.from(column: column), into: c.from(row: row, column: column),
        rows: rowRange.count, columns: columnRange.count, inner: inner, adds: adds,
        epilogue: epilogue.map { ($0, row, column) })
    }
  }

  /// The same product on this thread.
  ///
  /// - Parameter epilogue: With the row and column of the whole product at which this part of it lies.
  ///   Default: nothing.
  package func multiplyHere(
    _ a: Matrix, _ b: Matrix, into c: Matrix, rows: Int, columns: Int, inner: Int,
    adds: Bool = false, epilogue: (whole: ProductEpilogue, row: Int, column: Int)? = nil
  ) {
    switch library {
    case .canonical:
      func run(_ epilogue: UnsafePointer<CKernels_Epilogue>?) {
        CKernels_matrixProduct(
          a.factor(format), b.factor(format), c.pointer, Int64(c.stride), Int64(rows),
          Int64(columns), Int64(inner), adds ? 1 : 0, epilogue)
      }
      guard let epilogue else { return run(nil) }
      withUnsafePointer(
        to: epilogue.whole.kernelEpilogue(
          row: epilogue.row, column: epilogue.column, stride: c.stride), run)
    case .openBLAS:
      cblas_sgemm(
        CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
        b.isTransposed ? CblasTrans : CblasNoTrans, blasint(rows), blasint(columns),
        blasint(inner), 1, a.pointer, blasint(a.stride), b.pointer, blasint(b.stride),
        adds ? 1 : 0, c.pointer, blasint(c.stride))
      epilogue?.whole.apply(
        to: c, row: epilogue?.row ?? 0, column: epilogue?.column ?? 0, rows: rows,
        columns: columns)
    }
  }
}

// MARK: - Counting

extension Products {
  /// Counts the product of a forward pass with a weight.
  ///
  /// - Parameter gradients: How many products of the same size its backward pass takes: one for each
  ///   factor that needs a gradient, none where nothing is recorded.
  func count(rows: Int, inner: Int, columns: Int, gradients: Int) {
    let shape = ProductShape(rows: rows, inner: inner, columns: columns)
    count(multiplyAdds: shape.multiplyAdds, backward: gradients * shape.multiplyAdds)
    if !isRepeating { list?.add(rows: rows, inner: inner, columns: columns) }
  }

  /// Counts products of activations with each other: those of attention.
  ///
  /// - Parameters:
  ///   - multiplyAdds: Of the forward pass.
  ///   - backward: Of the gradients.
  func countAttention(multiplyAdds: Int, backward: Int) {
    count(multiplyAdds: multiplyAdds, backward: backward)
    if !isRepeating { list?.addAttention(multiplyAdds: multiplyAdds) }
  }

  /// A forward pass is counted when it is computed first, its gradients when it is recorded: what is
  /// computed again is not recorded before.
  private func count(multiplyAdds: Int, backward: Int) {
    operations += 2 * Double((isRepeating ? 0 : multiplyAdds) + backward)
  }

  /// Lists the products of what `body` computes forward.
  public func listing<Result>(
    _ body: () throws -> Result
  ) rethrows -> (result: Result, products: ForwardProducts) {
    precondition(list == nil, "a list of products is being made already")
    list = ForwardProducts()
    defer { list = nil }
    let result = try body()
    return (result, list ?? ForwardProducts())
  }
}
