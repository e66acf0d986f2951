import Crypto
import LockstepKeys
import LockstepParallelism

/// The server's side of a round's end: finds out the masks that are left in the sum, and takes them off.
///
/// Any rank can be the server for a slice of the sum.
package struct MaskRemoval: Sendable {
  private var masks = MaskSum()

  /// - Parameters:
  ///   - remaining: The clients whose masked vectors are in the sum.
  ///   - publicKeys: Those of all members that shared their secrets, at least.
  ///   - openings: Of those that remain, or of as many of them as the threshold asks for.
  /// - Throws: `FederationError`: there are too few openings, they do not fit each other, or are damaged.
  package init(
    of round: MaskedRound, remaining: [Int], publicKeys: [Int: [UInt8]], openings: [Int: [UInt8]]
  ) throws(FederationError) {
    try round.require(remaining, among: round.members)
    try round.require(openings.keys, among: remaining)
    try round.require(min(openings.count, Set(remaining).count))
    let parts = try Self.parts(of: openings, remaining: Set(remaining), in: round)
    let recovery = SecretRecovery(
      points: parts.prefix(round.threshold).map { round.point(of: $0.client) })
    for (place, member) in round.members.enumerated() where parts[0].parts[place] != .nothing {
      let shares = parts.prefix(round.threshold).map { $0.parts[place].share }
      let secret = recovery.secret(of: shares)
      let keys = try ClientKeys(publicKeys[member] ?? [], of: member, in: round)
      if remaining.contains(member) {
        try secret.withBytes { (seed) throws(FederationError) in
          guard ClientKeys.hash(seed: seed) == keys.seedHash else {
            throw .secret(of: member, round: round.number)
          }
          masks.subtract(round.ownMask(seed: seed, of: member))
        }
      } else {
        let key = secret.withBytes { Curve25519.KeyAgreement.PrivateKey(bytes: $0) }
        guard key.publicKey.rawRepresentation == keys.maskKey.rawRepresentation else {
          throw .secret(of: member, round: round.number)
        }
        for other in remaining.sorted() {
          // Adds what the one that is gone would have added, and so what cancels the other's.
          let itsKeys = try ClientKeys(publicKeys[other] ?? [], of: other, in: round)
          masks.add(
            try round.pairMask(key, of: member, with: itsKeys.maskKey, of: other),
            by: member, with: other)
        }
      }
    }
  }

  /// The openings, by ascending clients: each about the same members in the same way.
  private static func parts(
    of openings: [Int: [UInt8]], remaining: Set<Int>, in round: MaskedRound
  ) throws(FederationError) -> [(client: Int, parts: [Opening.Part])] {
    var all: [(client: Int, parts: [Opening.Part])] = []
    for (client, bytes) in openings.sorted(by: { $0.key < $1.key }) {
      let parts = try Opening(bytes, of: client, in: round).parts
      let isRight = zip(round.members, parts).allSatisfy { member, part in
        (part.mark == Opening.Part.seed([]).mark) == remaining.contains(member)
      }
      guard isRight, all.first.map({ $0.parts.map(\.mark) == parts.map(\.mark) }) ?? true else {
        throw .opening(client: client, round: round.number)
      }
      all.append((client, parts))
    }
    return all
  }

  /// Takes the masks off a slice of the sum of those that remain.
  ///
  /// - Parameters:
  ///   - values: Elements `first` ..< `first + values.count` of the sum.
  ///   - threads: Share the work; their number does not matter to the result.
  package func removeMasks(
    from values: UnsafeMutableBufferPointer<UInt64>, from first: Int, on threads: ThreadPool
  ) {
    masks.apply(to: values, from: first, on: threads)
  }
}
