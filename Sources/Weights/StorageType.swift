/// In which type the elements of a model's tensors are written.
public enum StorageType: String, Sendable, CaseIterable {
  case float32
  case float16
  case bfloat16
  /// Blocks of 32 elements of 8 bits with a scale; GGUF alone has them.
  case q8x0 = "q8_0"
  /// Blocks of 32 elements of 4 bits with a scale; GGUF alone has them.
  case q4x0 = "q4_0"

  /// In a safetensors file; nil where that has no such type.
  public var elementType: ElementType? {
    switch self {
    case .float32: .float32
    case .float16: .float16
    case .bfloat16: .bfloat16
    case .q8x0, .q4x0: nil
    }
  }

  /// In a GGUF file.
  public var ggufType: GGUFElementType {
    switch self {
    case .float32: .f32
    case .float16: .f16
    case .bfloat16: .bf16
    case .q8x0: .q8x0
    case .q4x0: .q4x0
    }
  }

  /// Bytes of so many elements.
  ///
  /// - Parameter elements: A multiple of 32 where there are blocks.
  func byteCount(of elements: Int) -> Int { ggufType.byteCount(of: elements) }

  /// The type that a tensor of a GGUF file gets where this one is asked for, as llama.cpp's conversion
  /// has it: norms, biases and other vectors are in single precision, and rows that blocks do not divide
  /// in half precision.
  ///
  /// - Parameters:
  ///   - shape: In the file.
  ///   - isKeptExact: Whether llama.cpp wants the tensor in single precision, whatever its shape.
  public func suiting(_ shape: [Int], isKeptExact: Bool) -> StorageType {
    if shape.count < 2 || isKeptExact { return .float32 }
    return (shape.last ?? 0).isMultiple(of: ggufType.blockElements) ? self : .float16
  }
}
