import CLockstepHost
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// The meeting place of a host's ranks: one piece of shared memory in which each says where it is.
///
/// For each rank of the whole group the board holds an entry: an arrival number, the call that the
/// rank is in and the words it contributes. A rank writes its entry, then raises the number; whoever
/// sees the number sees the entry, most of which comes with the same cache line. Entries are kept
/// twice, for odd and even meetings: a rank can be at most one meeting ahead of one that still reads.
///
/// Waiting yields the processor first and then sleeps in the kernel until the number changes.
package final class Board {
  /// Eight-byte words that a rank can contribute to a meeting.
  package static let contributionCapacity = 32

  /// What a rank publishes of itself at each meeting. Fixed layout: it is sent between hosts.
  package struct Entry {
    package var kind: UInt32
    package var root: Int32
    package var byteCount: Int64
    package var step: Int64
    package var wordCount: Int64
  }

  /// Where things lie, in bytes. What different ranks write lies in pairs of cache lines of its own:
  /// processors fetch them in pairs.
  private enum Layout {
    static let verdict = 0
    static let report = 128
    static let sleepers = 256
    static let release = 384
    static let entries = 512
    /// Within an entry: the arrival number, the call, the words.
    static let call = 8
    static let words = call + MemoryLayout<Entry>.size
    static let entry = (words + Board.contributionCapacity * 8 + 127) / 128 * 128
  }

  private typealias Word = UnsafeMutablePointer<Atomic<UInt32>>

  private let memory: UnsafeMutableRawPointer
  private let topology: Topology

  /// - Parameter memory: `byteCount(for:)` bytes, zero when the first rank comes, seen by all ranks
  ///   of the host.
  package init(memory: UnsafeMutableRawPointer, topology: Topology) {
    self.memory = memory
    self.topology = topology
  }

  package static func byteCount(for topology: Topology) -> Int {
    Layout.entries + 2 * topology.size * Layout.entry
  }

  private func word(at offset: Int) -> Word {
    (memory + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  private func arrival(of rank: Int, meeting: UInt32) -> Word {
    entryAddress(of: rank, meeting: meeting).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  // MARK: Entries

  private func entryAddress(of rank: Int, meeting: UInt32) -> UnsafeMutableRawPointer {
    let place = Int(meeting & 1) * topology.size + rank
    return memory + Layout.entries + place * Layout.entry
  }

  package func entry(of rank: Int, meeting: UInt32) -> Entry {
    entryAddress(of: rank, meeting: meeting).load(fromByteOffset: Layout.call, as: Entry.self)
  }

  package func words(of rank: Int, meeting: UInt32) -> UnsafeBufferPointer<UInt64> {
    let address = entryAddress(of: rank, meeting: meeting) + Layout.words
    return UnsafeBufferPointer(
      start: address.assumingMemoryBound(to: UInt64.self),
      count: Int(entry(of: rank, meeting: meeting).wordCount))
  }

  /// The entries of consecutive ranks, as they are sent between hosts.
  package func entryBytes(of ranks: Range<Int>, meeting: UInt32) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: entryAddress(of: ranks.lowerBound, meeting: meeting),
      count: ranks.count * Layout.entry)
  }

  // MARK: Arriving and waiting

  /// Publishes this rank's entry and arrival.
  package func arrive(meeting: UInt32, entry: Entry, words: [UInt64]) {
    precondition(words.count <= Self.contributionCapacity, "\(words.count) words are too many")
    let address = entryAddress(of: topology.rank, meeting: meeting)
    address.storeBytes(of: entry, toByteOffset: Layout.call, as: Entry.self)
    words.withUnsafeBytes { bytes in
      if let base = bytes.baseAddress {
        (address + Layout.words).copyMemory(from: base, byteCount: bytes.count)
      }
    }
    raise(arrival(of: topology.rank, meeting: meeting), to: meeting)
  }

  package func hasArrived(_ rank: Int, meeting: UInt32) -> Bool {
    let number = arrival(of: rank, meeting: meeting).pointee.load(ordering: .acquiring)
    return Self.reached(number, meeting)
  }

  /// Waits a little for `rank` of this host to arrive. Returns early or in vain.
  package func pause(for rank: Int, meeting: UInt32, patience: inout Patience) {
    pause(
      on: arrival(of: rank, meeting: meeting), until: meeting, patience: &patience)
  }

  /// The leader lets the ranks of its host go on.
  package func release(meeting: UInt32) { raise(word(at: Layout.release), to: meeting) }

  package func isReleased(meeting: UInt32) -> Bool {
    Self.reached(word(at: Layout.release).pointee.load(ordering: .acquiring), meeting)
  }

  package func pauseForRelease(meeting: UInt32, patience: inout Patience) {
    pause(on: word(at: Layout.release), until: meeting, patience: &patience)
  }

  /// Numbers wrap around after 2^32 meetings.
  private static func reached(_ number: UInt32, _ meeting: UInt32) -> Bool {
    Int32(bitPattern: number &- meeting) >= 0
  }

  private func raise(_ word: Word, to number: UInt32) {
    word.pointee.store(number, ordering: .sequentiallyConsistent)
    if self.word(at: Layout.sleepers).pointee.load(ordering: .sequentiallyConsistent) > 0 {
      CHost_wakeAll(word)
    }
  }

  private func pause(on word: Word, until meeting: UInt32, patience: inout Patience) {
    if patience.yields() { return }
    let sleepers = self.word(at: Layout.sleepers)
    sleepers.pointee.add(1, ordering: .sequentiallyConsistent)
    let number = word.pointee.load(ordering: .sequentiallyConsistent)
    if !Self.reached(number, meeting) {
      CHost_sleepWhileEqual(word, number, Patience.longestSleep)
    }
    sleepers.pointee.subtract(1, ordering: .sequentiallyConsistent)
  }

  // MARK: Verdict and report

  /// Two ranks whose calls differ in a meeting.
  package struct Verdict {
    package var meeting: UInt32
    package var rank: Int32
    package var otherRank: Int32
  }

  /// The verdict, once someone has found two ranks that differ.
  package var verdict: Verdict? {
    guard word(at: Layout.verdict).pointee.load(ordering: .acquiring) == 2 else { return nil }
    return (memory + Layout.verdict + 8).load(as: Verdict.self)
  }

  /// Publishes a verdict, unless there is one; returns the one that stands.
  package func publish(_ verdict: Verdict) -> Verdict {
    let state = word(at: Layout.verdict)
    if claims(state) {
      (memory + Layout.verdict + 8).storeBytes(of: verdict, as: Verdict.self)
      state.pointee.store(2, ordering: .releasing)
    }
    while true {
      if let standing = self.verdict { return standing }
      sched_yield()
    }
  }

  /// True for one caller of the host: the one that reports the end of the job.
  package func claimReport() -> Bool {
    claims(word(at: Layout.report))
  }

  /// Changes a word from 0 to 1; true on the rank that did.
  private func claims(_ word: Word) -> Bool {
    word.pointee.compareExchange(
      expected: 0, desired: 1, ordering: .acquiringAndReleasing
    ).exchanged
  }
}
