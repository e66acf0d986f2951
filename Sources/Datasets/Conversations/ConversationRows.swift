/// Conversations packed into sequences of T positions, several to each.
///
/// A conversation of n tokens takes n - 1 positions: its last token is read by none. The longest come
/// first, each goes where it leaves the least room (best fit, decreasing), and of equals the first; so
/// the same conversations and T give the same sequences.
struct ConversationRows: Sendable {
  /// T.
  let context: Int
  /// The conversations of all sequences, one sequence after the other.
  private let members: [Int32]
  /// Where each sequence's begin in `members`, and where the last one's end.
  private let starts: [Int32]

  /// - Throws: `ConversationError.longerThanContext` where one does not fit.
  init(_ file: ConversationFile, context: Int) throws(ConversationError) {
    guard file.longest <= context + 1 else {
      throw .longerThanContext(path: file.tokens.path, tokens: file.longest, context: context)
    }
    self.init(
      lengths: (0..<file.count).map { max(1, file.range(of: $0).count - 1) }, context: context)
  }

  /// - Parameters:
  ///   - lengths: Positions of each conversation, or of what else is packed; in 1 ... T.
  ///   - context: T.
  init(lengths: [Int], context: Int) {
    self.context = context
    var rows: [[Int32]] = []
    var rooms = OpenRows(context: context)
    let order = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }
    for conversation in order {
      let length = lengths[conversation]
      if let (row, room) = rooms.take(fitting: length) {
        rows[row].append(Int32(conversation))
        rooms.add(row, room: room - length)
      } else {
        rows.append([Int32(conversation)])
        rooms.add(rows.count - 1, room: context - length)
      }
    }
    let sorted = rows.map { $0.sorted() }.sorted { $0[0] < $1[0] }
    members = sorted.flatMap(\.self)
    starts = sorted.reduce(into: [0]) { $0.append(($0.last ?? 0) + Int32($1.count)) }
  }

  /// Number of sequences.
  var count: Int { starts.count - 1 }

  /// The conversations of a sequence.
  func conversations(of row: Int) -> ArraySlice<Int32> {
    members[Int(starts[row])..<Int(starts[row + 1])]
  }
}

/// Sequences that have room, by how much.
private struct OpenRows {
  /// By room, 0 ... T.
  private var rows: [[Int]]
  /// A bit for each room that some sequence has.
  private var words: [UInt64]

  init(context: Int) {
    rows = [[Int]](repeating: [], count: context + 1)
    words = [UInt64](repeating: 0, count: context / 64 + 1)
  }

  mutating func add(_ row: Int, room: Int) {
    rows[room].append(row)
    words[room / 64] |= 1 << UInt64(room % 64)
  }

  /// Takes out the sequence with the least room that is enough.
  mutating func take(fitting length: Int) -> (row: Int, room: Int)? {
    var word = length / 64
    guard word < words.count else { return nil }
    var bits = words[word] & (UInt64.max << UInt64(length % 64))
    while bits == 0 {
      word += 1
      guard word < words.count else { return nil }
      bits = words[word]
    }
    let room = word * 64 + bits.trailingZeroBitCount
    guard let row = rows[room].popLast() else { return nil }
    if rows[room].isEmpty { words[room / 64] &= ~(1 << UInt64(room % 64)) }
    return (row, room)
  }
}
