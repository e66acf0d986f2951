/// A hash table from pairs of token ids to numbers, as lean as the inner loops need it.
///
/// Open addressing with linear probing, at most half full. Keys are never removed.
struct PairTable: Sendable {
  /// Marks a free slot; no pair packs to it, because ids are not negative.
  private static let free = UInt64.max

  private var keys: [UInt64]
  private var values: [UInt64]
  private(set) var count = 0

  /// - Parameter capacity: The number of pairs to make room for.
  init(capacity: Int = 0) {
    var slots = 16
    while slots < 2 * capacity { slots *= 2 }
    keys = [UInt64](repeating: Self.free, count: slots)
    values = [UInt64](repeating: 0, count: slots)
  }

  /// Two ids as one key, ordered as the pair is.
  @inline(__always)
  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The two ids of a key.
  @inline(__always)
  static func pair(_ key: UInt64) -> (left: Int32, right: Int32) {
    (Int32(truncatingIfNeeded: key >> 32), Int32(truncatingIfNeeded: key))
  }

  @inline(__always)
  private func slot(of key: UInt64) -> Int {
    // Fibonacci hashing: the product's high bits depend on all bits of the key.
    let mask = keys.count - 1
    var slot = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    while keys[slot] != key && keys[slot] != Self.free { slot = (slot + 1) & mask }
    return slot
  }

  /// The value of a key, or nil.
  @inline(__always)
  func value(_ key: UInt64) -> UInt64? {
    let slot = slot(of: key)
    return keys[slot] == key ? values[slot] : nil
  }

  /// The value of a key, zero if there is none; setting it adds the key.
  subscript(key: UInt64) -> UInt64 {
    @inline(__always) get { value(key) ?? 0 }
    set {
      var slot = slot(of: key)
      if keys[slot] != key {
        if 2 * (count + 1) > keys.count {
          grow()
          slot = self.slot(of: key)
        }
        keys[slot] = key
        count += 1
      }
      values[slot] = newValue
    }
  }

  private mutating func grow() {
    var larger = PairTable(capacity: keys.count)
    for (key, value) in zip(keys, values) where key != Self.free { larger[key] = value }
    self = larger
  }

  /// All keys with their values, in no particular order.
  var entries: [(key: UInt64, value: UInt64)] {
    zip(keys, values).filter { $0.0 != Self.free }.map { (key: $0.0, value: $0.1) }
  }
}
