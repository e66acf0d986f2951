import CLockstepKernels

/// How elements that nothing changes are kept in less memory than their floats would take. They are rounded
/// once; everything computes with what they are then.
public enum CompactForm: Sendable {
  /// The upper half of each float.
  case bfloat16
  /// Blocks of 32 elements of a row: a scale in half precision, and whole numbers of 8 bits. GGUF's Q8_0.
  case q8x0

  /// Bytes of a matrix; nil where its rows can not be kept so.
  ///
  /// - Parameter shape: [rows, columns].
  public func byteCount(of shape: Shape) -> Int? {
    switch self {
    case .bfloat16: shape.count * MemoryLayout<UInt16>.stride
    case .q8x0:
      shape.last.isMultiple(of: Int(CKERNELS_Q8_ELEMENTS))
        ? shape.count / Int(CKERNELS_Q8_ELEMENTS) * Int(CKERNELS_Q8_BYTES) : nil
    }
  }

  /// Floats whose memory a matrix takes; nil where its rows can not be kept so.
  public func floatCount(of shape: Shape) -> Int? {
    byteCount(of: shape).map {
      ($0 + MemoryLayout<Float>.stride - 1) / MemoryLayout<Float>.stride
    }
  }

  /// Elements as floats.
  ///
  /// - Parameters:
  ///   - memory: Of all elements.
  ///   - elements: Which; from the first of a row to the last of one.
  ///   - destination: As many floats.
  package func decode(
    _ memory: UnsafeMutablePointer<Float>, _ elements: Range<Int>,
    into destination: UnsafeMutablePointer<Float>
  ) {
    let bytes = UnsafeRawPointer(memory)
    switch self {
    case .bfloat16:
      CKernels_decodeBfloat16(
        bytes.assumingMemoryBound(to: UInt16.self) + elements.lowerBound, destination,
        Int64(elements.count))
    case .q8x0:
      let block = elements.lowerBound / Int(CKERNELS_Q8_ELEMENTS)
      CKernels_decodeQ8(
        bytes.assumingMemoryBound(to: UInt8.self) + block * Int(CKERNELS_Q8_BYTES), destination,
        Int64(elements.count / Int(CKERNELS_Q8_ELEMENTS)))
    }
  }
}

extension Tensor {
  /// A constant matrix that others own and keep compactly. Linear layers, the head's loss and the lookup of
  /// rows take it as it is; `whole` is for all else.
  ///
  /// - Parameters:
  ///   - memory: Has the elements in row-major order.
  ///   - start: The float at which they begin.
  ///   - shape: [rows, columns], of rows that can be kept so.
  public convenience init(
    viewing memory: FloatMemory, from start: Int, shape: Shape, form: CompactForm,
    in workspace: Workspace
  ) {
    guard shape.rank == 2, let count = form.floatCount(of: shape) else {
      preconditionFailure("\(shape) can not be kept as \(form)")
    }
    self.init(
      shape: shape, workspace: workspace, buffer: memory.buffer(start..<start + count), form: form)
  }

  /// The tensor itself, or a copy in floats of one that is kept compactly.
  public var whole: Tensor {
    guard form != nil else { return self }
    let copy = Tensor(uninitialized: shape, in: workspace)
    decodeRows(0..<shape[0], into: copy.pointer)
    return copy
  }

  /// Rows of a matrix as floats.
  ///
  /// - Parameter destination: Takes them one after the other.
  func decodeRows(_ rows: Range<Int>, into destination: UnsafeMutablePointer<Float>) {
    let width = shape.last
    guard let form else {
      destination.update(from: pointer + rows.lowerBound * width, count: rows.count * width)
      return
    }
    // Each part a number of whole rows.
    workspace.threads.run(over: rows.count, grain: max(1, Grain.elementwise / width)) { part in
      let first = rows.lowerBound + part.lowerBound
      form.decode(
        compactMemory, first * width..<(first + part.count) * width,
        into: destination + part.lowerBound * width)
    }
  }

  /// A matrix as a factor of products, in pieces of whole rows: one piece, or where it has to be decoded for
  /// these products as many as keep the memory for that small.
  ///
  /// - Parameters:
  ///   - mostRows: Of a piece that is decoded, a multiple of the products' chunk. Default: all.
  ///   - body: Given the rows and the factor, [rows, columns].
  func forPieces(mostRows: Int = .max, _ body: (Range<Int>, Matrix) -> Void) {
    let (rows, width) = (shape[0], shape.last)
    switch form {
    case nil: body(0..<rows, Matrix(pointer, stride: width))
    case .bfloat16 where workspace.products.format == .bfloat16:
      body(0..<rows, factor)
    case .bfloat16, .q8x0:
      let height = min(rows, mostRows)
      let floats = Tensor(uninitialized: [height, width], in: workspace)
      for first in stride(from: 0, to: rows, by: height) {
        let piece = first..<min(first + height, rows)
        decodeRows(piece, into: floats.pointer)
        body(piece, Matrix(floats.pointer, stride: width))
      }
    }
  }
}
