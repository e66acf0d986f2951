/// CRC-32C (Castagnoli, RFC 3720), in the masked form in which event files have it: a checksum of bytes that
/// contain checksums would be weak.
enum Checksum {
  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { value, _ in
      value & 1 == 1 ? 0x82F6_3B78 ^ (value >> 1) : value >> 1
    }
  }

  /// Rotated by 15 bits, plus a constant: TFRecord's form.
  static func masked(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let sum = plain(bytes)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  private static func plain(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      ~bytes.reduce(UInt32.max) { sum, byte in
        table[Int(truncatingIfNeeded: sum ^ UInt32(byte)) & 0xFF] ^ (sum >> 8)
      }
    }
  }
}
