import CLockstepHost
import Foundation
import LockstepCheckpoints
import LockstepCommunication
import LockstepFiles

/// One rank's part of a snapshot, in memory that is kept: its own, on its host, or a copy on another.
///
/// A page of words that say what it is and whether it is complete; a record, what `state.json` is to a
/// checkpoint; the rank's elements of the optimiser's states; and of its own one a part of the
/// parameters, of which a host's ranks keep one copy together. Record and elements travel as they are.
package struct SnapshotShard {
  let memory: MemorySegment

  static let headerByteCount = 4096
  /// "LKSNAP" and the number of the format.
  private static let format: UInt64 = 0x4c4b_534e_4150_0001

  private enum Word: Int {
    case format, isComplete, attempt, step, rank, rankCount, firstParameter, endParameter,
      parameterCount
    case recordByteCount, valuesByteCount
    /// And three more.
    case key
  }

  package init(_ memory: MemorySegment) { self.memory = memory }

  /// Bytes of a shard.
  ///
  /// - Parameters:
  ///   - recordByteCount: Room for the record, whole pages.
  ///   - valuesByteCount: Of the states' elements.
  ///   - parameterCount: Parameters in it; of a copy none.
  static func byteCount(
    recordByteCount: Int, valuesByteCount: Int, parameterCount: Int
  ) -> Int {
    headerByteCount + recordByteCount + valuesByteCount
      + parameterCount * MemoryLayout<Float>.stride
  }

  private func word(_ word: Word, _ index: Int = 0) -> UnsafeMutablePointer<UInt64>? {
    memory.bytes.baseAddress.map {
      $0.assumingMemoryBound(to: UInt64.self) + word.rawValue + index
    }
  }

  private subscript(_ place: Word, _ index: Int = 0) -> UInt64 {
    get { word(place, index)?.pointee ?? 0 }
    nonmutating set { word(place, index)?.pointee = newValue }
  }

  // MARK: Writing

  /// Says that nothing of it counts until `complete`.
  package func invalidate() {
    if let word = word(.isComplete) { CHost_storeWord(word, 0) }
  }

  /// Says what it is going to be.
  func describe(
    _ summary: ShardSummary, key: [UInt64], recordByteCount: Int, valuesByteCount: Int
  ) {
    self[.format] = Self.format
    self[.attempt] = summary.attempt
    self[.step] = UInt64(summary.step)
    self[.rank] = UInt64(summary.rank)
    self[.rankCount] = UInt64(summary.rankCount)
    self[.firstParameter] = UInt64(summary.parameters.lowerBound)
    self[.endParameter] = UInt64(summary.parameters.upperBound)
    self[.parameterCount] = UInt64(summary.parameterCount)
    self[.recordByteCount] = UInt64(recordByteCount)
    self[.valuesByteCount] = UInt64(valuesByteCount)
    for (index, part) in key.enumerated() { self[.key, index] = part }
  }

  /// Says that everything is there, unless its record is not.
  func complete() {
    guard record.load(fromByteOffset: 8, as: UInt64.self) == self[.step] else { return }
    if let word = word(.isComplete) { CHost_storeWord(word, 1) }
  }

  /// Writes the record, behind its length and the step that it is of; where there is no room, none.
  func write(_ record: [UInt8]) {
    let place = self.record
    let hasRoom = record.count + Self.recordStart <= place.count
    let words = [UInt64(hasRoom ? record.count : 0), hasRoom ? self[.step] : .max]
    words.withUnsafeBytes { place.copyMemory(from: $0) }
    guard hasRoom else { return }
    UnsafeMutableRawBufferPointer(rebasing: place[Self.recordStart...]).copyBytes(from: record)
  }

  private static let recordStart = 16

  // MARK: Parts

  /// What travels to another host: record and elements.
  var payload: UnsafeMutableRawBufferPointer {
    part(Self.headerByteCount, Int(self[.recordByteCount] + self[.valuesByteCount]))
  }

  private var record: UnsafeMutableRawBufferPointer {
    part(Self.headerByteCount, Int(self[.recordByteCount]))
  }

  /// The elements of all states, one state's after the other's.
  var values: UnsafeMutableBufferPointer<Float> {
    part(Self.headerByteCount + Int(self[.recordByteCount]), Int(self[.valuesByteCount]))
      .bindMemory(to: Float.self)
  }

  /// The parameters that it has.
  var parameters: UnsafeMutableBufferPointer<Float> {
    let count = Int(self[.endParameter] - self[.firstParameter])
    return part(
      Self.headerByteCount + Int(self[.recordByteCount] + self[.valuesByteCount]),
      count * MemoryLayout<Float>.stride
    ).bindMemory(to: Float.self)
  }

  private func part(_ start: Int, _ count: Int) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(rebasing: memory.bytes[start..<start + count])
  }

  // MARK: Reading

  /// What it is; nil where it is not complete.
  package var summary: ShardSummary? {
    guard let word = word(.isComplete), CHost_loadWord(word) == 1, self[.format] == Self.format
    else { return nil }
    return ShardSummary(
      attempt: self[.attempt], step: Int(self[.step]), rank: Int(self[.rank]),
      rankCount: Int(self[.rankCount]),
      parameters: Int(self[.firstParameter])..<Int(self[.endParameter]),
      parameterCount: Int(self[.parameterCount]))
  }

  /// Whether it is complete, and of a run of this key.
  func belongs(to key: [UInt64]) -> Bool {
    guard summary != nil else { return false }
    let need =
      Self.headerByteCount + Int(self[.recordByteCount] + self[.valuesByteCount])
      + Int(self[.endParameter] - self[.firstParameter]) * MemoryLayout<Float>.stride
    return need <= memory.bytes.count
      && key.indices.allSatisfy { self[.key, $0] == key[$0] }
  }

  /// The record as bytes.
  var recordBytes: [UInt8] {
    let place = record
    let count = Int(place.load(as: UInt64.self))
    guard count + Self.recordStart <= place.count else { return [] }
    return Array(place[Self.recordStart..<Self.recordStart + count])
  }
}

/// What a snapshot says of its run beside the tensors: the same in all shards.
struct SnapshotRecord: Codable {
  let state: TrainingState
  /// Which rank held what of each state: rank, first element, end.
  let parts: [[[Int]]]

  init(state: TrainingState, owners: [ElementOwners]) {
    self.state = state
    parts = owners.map { vector in
      vector.parts.map { [$0.owner, $0.elements.lowerBound, $0.elements.upperBound] }
    }
  }

  var owners: [ElementOwners] {
    parts.map { parts in
      ElementOwners(parts.map { .init(owner: $0[0], elements: $0[1]..<$0[2]) })
    }
  }
}
