/// The element types of safetensors files, under the format's own names.
public enum ElementType: String, Sendable {
  case bool = "BOOL"
  case uint8 = "U8"
  case int8 = "I8"
  case float8E5M2 = "F8_E5M2"
  case float8E4M3 = "F8_E4M3"
  case int16 = "I16"
  case uint16 = "U16"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case int32 = "I32"
  case uint32 = "U32"
  case float32 = "F32"
  case float64 = "F64"
  case int64 = "I64"
  case uint64 = "U64"

  /// Bytes an element takes.
  public var byteCount: Int {
    switch self {
    case .bool, .uint8, .int8, .float8E5M2, .float8E4M3: 1
    case .int16, .uint16, .float16, .bfloat16: 2
    case .int32, .uint32, .float32: 4
    case .float64, .int64, .uint64: 8
    }
  }

  /// Whether the reader can turn elements into `Float` without loss.
  public var isReadableAsFloat: Bool {
    switch self {
    case .float32, .float16, .bfloat16: true
    default: false
    }
  }
}

extension Float {
  /// The value of an IEEE 754 half-precision bit pattern. Exact: every half is a `Float`.
  ///
  /// Written out because `Float16` does not exist on every platform that Swift builds for.
  package init(halfBits bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10) & 0x1F
    let fraction = UInt32(bits) & 0x3FF
    switch exponent {
    case 0:
      // Zero and subnormals: fraction · 2⁻²⁴.
      let magnitude = Float(fraction) * 0x1p-24
      self = Float(bitPattern: sign | magnitude.bitPattern)
    case 0x1F:
      self = Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
    default:
      self = Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
  }

  /// The value of a bfloat16 bit pattern: the upper half of a `Float`.
  package init(brainBits bits: UInt16) {
    self = Float(bitPattern: UInt32(bits) << 16)
  }
}
