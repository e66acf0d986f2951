import Foundation
import LockstepCommunication
import LockstepFiles

extension Communicator {
  /// Runs `body` on every rank and goes on only if it succeeded on all. Collective.
  ///
  /// - Throws: `AgreedError` on all ranks; the first rank where `body` failed speaks for all.
  public func agree<Result>(_ body: () throws -> Result) throws -> Result {
    let outcome = Swift.Result { try body() }
    var code = ExitCode.success
    if case .failure(let error) = outcome { code = ExitCode(of: error) }
    let codes = try allGather([Double(code.rawValue)])
    guard let first = codes.firstIndex(where: { $0 != [0] }) else { return try outcome.get() }
    if first == rank, case .failure(let error) = outcome {
      throw AgreedError(error, speaks: true)
    }
    throw AgreedError(
      PeerFailed(rank: first), speaks: false, exitCode: ExitCode(rawValue: Int32(codes[first][0])))
  }

  /// Runs `body` on rank zero and gives its bytes to every rank. Collective.
  ///
  /// Reading files and writing the run directory are rank zero's alone: this is how others learn
  /// what it read, and that it failed.
  ///
  /// - Throws: `AgreedError` on all ranks.
  public func fromRankZero(_ body: () throws -> [UInt8]) throws -> [UInt8] {
    try fromRank(0, body)
  }

  /// As `fromRankZero`, for what another rank knows.
  func fromRank(_ root: Int, _ body: () throws -> [UInt8]) throws -> [UInt8] {
    var bytes = try agree { rank == root ? try body() : [] }
    let count = try allGather([Double(bytes.count)])[root][0]
    if rank != root { bytes = [UInt8](repeating: 0, count: Int(count)) }
    if !bytes.isEmpty {
      try bytes.withUnsafeMutableBytes { try broadcast($0, from: root) }
    }
    return bytes
  }

  /// Runs `body` on rank zero and gives its value to every rank. Collective.
  ///
  /// - Throws: As `fromRankZero`.
  package func valueFromRankZero<Value: Codable>(_ body: () throws -> Value) throws -> Value {
    try value(fromRank: 0, body)
  }

  /// As `valueFromRankZero`, for what another rank knows.
  func value<Value: Codable>(fromRank root: Int, _ body: () throws -> Value) throws -> Value {
    let bytes = try fromRank(root) { Array(try JSONFormat.encoder().encode(body())) }
    return try JSONFormat.decoder.decode(Value.self, from: Data(bytes))
  }

  /// Tells every rank the values of all, in the ranks' order. Collective.
  func allGather<Value: Codable>(value: Value) throws -> [Value] {
    let text = Array(try JSONFormat.encoder().encode(value))
    let counts = try allGather([Double(text.count)]).map { Int($0[0]) }
    return try counts.enumerated().map { rank, count in
      var bytes = self.rank == rank ? text : [UInt8](repeating: 0, count: count)
      try bytes.withUnsafeMutableBytes { try broadcast($0, from: rank) }
      return try JSONFormat.decoder.decode(Value.self, from: Data(bytes))
    }
  }

  /// Runs `body` on rank zero; the others wait until it is done. Collective.
  ///
  /// - Throws: As `fromRankZero`.
  public func onRankZero(_ body: () throws -> Void) throws {
    try agree { if isRankZero { try body() } }
  }
}

/// An error that every rank knows of: all end in order, with one exit code and one message.
public struct AgreedError: SharedError, CustomStringConvertible {
  /// What went wrong, on the rank that speaks.
  public let underlying: any Error
  /// Whether this rank tells the user.
  public let speaks: Bool
  /// What all processes end with.
  public let exitCode: ExitCode

  /// - Parameter exitCode: Default: that of the error.
  init(_ underlying: any Error, speaks: Bool, exitCode: ExitCode? = nil) {
    self.underlying = underlying
    self.speaks = speaks
    self.exitCode = exitCode ?? ExitCode(of: underlying)
  }

  public var description: String { "\(underlying)" }
}

/// What ranks know of an error on another one.
struct PeerFailed: Error, CustomStringConvertible {
  let rank: Int

  var description: String { "rank \(rank) failed" }
}
