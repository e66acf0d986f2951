import Foundation
import LockstepWeights
import TestSupport
import Testing

@Suite struct SafetensorsHeaderTests {
  /// A header, the bytes of data behind it, and what the error must say of it.
  struct Case: Sendable, CustomTestStringConvertible {
    let json: String
    var dataCount = 8
    let tensor: String?
    let problem: String
    var testDescription: String { problem }
  }

  static let cases = [
    Case(json: "[]", tensor: nil, problem: "not a JSON object"),
    Case(json: " {}", dataCount: 0, tensor: nil, problem: "not a JSON object"),
    Case(json: "{", tensor: nil, problem: "bad JSON"),
    Case(
      json: #"{"a":{},"a":{}}"#, tensor: nil, problem: "the key 'a' a second time in one object"),
    Case(json: #"{"a":3}"#, tensor: "a", problem: "found number"),
    Case(json: #"{"a":{"shape":[2],"data_offsets":[0,8]}}"#, tensor: "a", problem: "lacks 'dtype'"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":["2"],"data_offsets":[0,8]}}"#, tensor: "a",
      problem: "'shape'"),
    Case(
      json: #"{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}"#, tensor: "a",
      problem: "unknown element type 'F31'"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}}"#, tensor: "a",
      problem: "1 data offsets"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, tensor: "a",
      problem: "data offsets [8, 0]"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}"#, tensor: "a",
      problem: "data offsets [-8, 0]"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}"#, tensor: "a",
      problem: "out of range"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, tensor: "a",
      problem: "takes 12 bytes, its offsets span 8"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}"#,
      tensor: "a", problem: "impossible shape"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":[-2,-1],"data_offsets":[0,8]}}"#, tensor: "a",
      problem: "impossible shape"),
    Case(
      json: """
        {"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},\
        "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}
        """, dataCount: 12, tensor: "b", problem: "overlaps"),
    Case(
      json: """
        {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},\
        "b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}
        """, dataCount: 12, tensor: "b", problem: "leaves a gap"),
    Case(
      json: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, dataCount: 9, tensor: nil,
      problem: "1 bytes after the last tensor"),
    Case(json: #"{"__metadata__":{"a":3}}"#, tensor: "__metadata__", problem: "'a'"),
  ]

  @Test(arguments: cases)
  func malformedHeadersNameTensorAndProblem(_ wrong: Case) throws {
    var bytes = withUnsafeBytes(of: UInt64(wrong.json.utf8.count).littleEndian) { Data($0) }
    bytes += Data(wrong.json.utf8) + Data(count: wrong.dataCount)
    let (path, error) = try Self.failure(of: bytes)
    guard case .malformed(path, _, wrong.tensor, let problem) = error else {
      Issue.record("\(error)")
      return
    }
    #expect(problem.contains(wrong.problem))
    #expect(error.description.hasPrefix(path))
  }

  @Test(arguments: [UInt64.max, 1 << 63, 100_000_001])
  func absurdHeaderLengthsAreRefused(length: UInt64) throws {
    let bytes = withUnsafeBytes(of: length.littleEndian) { Data($0) } + Data("{}".utf8)
    let (path, error) = try Self.failure(of: bytes)
    guard case .malformed(path, 0, nil, _) = error else {
      Issue.record("\(error)")
      return
    }
  }

  @Test func errorsGiveTheOffsetInTheFile() throws {
    let json = #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#
    let bytes =
      withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Data($0) }
      + Data(json.utf8) + Data(count: 11)
    let (path, error) = try Self.failure(of: bytes)
    let expected = WeightError.malformed(
      path: path, offset: 8 + json.utf8.count + 8, tensor: nil,
      problem: "3 bytes after the last tensor")
    #expect(error == expected)
  }

  private static func failure(of bytes: Data) throws -> (path: String, WeightError) {
    let directory = try TemporaryDirectory()
    let path = directory.path + "/wrong.safetensors"
    try bytes.write(to: URL(fileURLWithPath: path))
    let error = #expect(throws: WeightError.self) { try SafetensorsReader(path: path) }
    return (path, try #require(error))
  }
}
