import Foundation
import LockstepFiles
import LockstepWeights

/// How Lockstep's own small files in a checkpoint are written and read.
enum JSON {
  /// Keys sorted and indented, so that two files compare line by line; a newline at the end.
  static func encode(_ value: some Encodable, path: String) throws(CheckpointError) -> [UInt8] {
    do {
      return Array(try JSONFormat.encoder(isIndented: true).encode(value)) + [UInt8(ascii: "\n")]
    } catch {
      throw .malformed(path: path, problem: "cannot be JSON: \(error)")
    }
  }

  /// - Parameter path: What errors call it.
  /// - Throws: `CheckpointError.malformed` naming the key.
  static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: [UInt8], path: String
  ) throws(CheckpointError) -> Value {
    do {
      return try JSONFormat.decoder.decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      let (place, problem) = error.placeAndProblem
      let key = place.map { "key '\($0)': " } ?? ""
      throw .malformed(path: path, problem: key + problem)
    } catch {
      throw .malformed(path: path, problem: "bad JSON: \(error)")
    }
  }
}
