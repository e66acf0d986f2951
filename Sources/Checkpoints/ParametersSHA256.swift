import Crypto
import LockstepFiles
import LockstepWeights

/// SHA-256 of all tensors' little-endian bytes, in name order: two runs are equal when it is equal.
///
/// Names are ordered by their UTF-8 bytes, as `sorted` does in Python and `sort` in the C locale.
/// Neither names nor shapes are hashed. Streams: no copy of the tensors is made.
///
/// - Returns: 64 lower-case hexadecimal digits.
public func parametersSHA256(of tensors: [TensorView]) -> String {
  var hash = SHA256()
  for tensor in tensors.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
    hash.update(bufferPointer: tensor.bytes)
  }
  return hash.finalize().hexadecimal
}

extension SafetensorsReader {
  /// The same of all tensors in a file.
  package func parametersSHA256() throws -> String {
    var hash = SHA256()
    for name in entries.map(\.name).sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      try withBytes(of: name) { hash.update(bufferPointer: $0) }
    }
    return hash.finalize().hexadecimal
  }
}

/// SHA-256 of bytes, as 64 lower-case hexadecimal digits.
public func sha256(of bytes: [UInt8]) -> String {
  SHA256.hash(data: bytes).hexadecimal
}
