import Crypto
import Foundation
import LockstepKeys
import LockstepParallelism

/// One client's side of a round of secure aggregation; see `MaskedRound` for the order of calls.
///
/// All secrets are of this round alone. There is one object for a client and a round: a copy that answers otherwise
/// than the first could give vectors away.
package final class MaskingClient {
  package let client: Int
  package let round: MaskedRound

  /// The mask key's bytes, and those of the own seed.
  private let secret: SharedSecret
  private let maskKey: Curve25519.KeyAgreement.PrivateKey
  private let sealingKey: Curve25519.KeyAgreement.PrivateKey
  /// Of the members that have sent theirs, itself included; nil: not there yet.
  private var keys: [Int: ClientKeys]?
  /// Of the members that have shared their secrets, itself included; nil: not there yet.
  private var shares: [Int: SecretShare]?
  private var masks = MaskSum()
  /// Who remained when the shares were opened; nil: they were not.
  private var opened: [Int]?

  /// Keys of the system's random bytes.
  ///
  /// - Parameter client: One of the round's members.
  package convenience init(_ client: Int, in round: MaskedRound) {
    var generator = SystemRandomNumberGenerator()
    self.init(client, in: round, using: &generator)
  }

  /// - Parameters:
  ///   - client: One of the round's members.
  ///   - generator: Where secrets come from; one that can be predicted is for tests.
  package init(
    _ client: Int, in round: MaskedRound, using generator: inout some RandomNumberGenerator
  ) {
    precondition(round.members.contains(client), "client \(client) has no part in the round")
    (self.client, self.round) = (client, round)
    secret = SharedSecret(
      byteCount: SecretShare.size, threshold: round.threshold, using: &generator)
    maskKey = secret.withSecret(SecretShare.maskKey) { .init(bytes: $0) }
    sealingKey = SecretBytes.random(count: 32, using: &generator).withBytes { .init(bytes: $0) }
  }

  private var ownKeys: ClientKeys {
    ClientKeys(
      maskKey: maskKey.publicKey, sealingKey: sealingKey.publicKey,
      seedHash: secret.withSecret(SecretShare.seed, ClientKeys.hash))
  }

  /// What all others have to get first: `MaskedRound.publicKeysSize` bytes.
  package var publicKeys: [UInt8] { ownKeys.bytes }

  /// Shares out the secrets.
  ///
  /// - Parameter publicKeys: Those of all members that are still there; the own ones may be among them.
  /// - Returns: For each of the others `MaskedRound.sealedShareSize` bytes, which only that one can open.
  /// - Throws: `FederationError`: fewer than the threshold are there, or these are no keys.
  package func sealedShares(
    publicKeys: [Int: [UInt8]]
  ) throws(FederationError) -> [Int: [UInt8]] {
    precondition(keys == nil, "client \(client) has shared its secrets already")
    try round.require(publicKeys.keys, among: round.members)
    var known = [client: ownKeys]
    for (other, bytes) in publicKeys where other != client {
      known[other] = try ClientKeys(bytes, of: other, in: round)
    }
    try round.require(known.count)
    var sealed: [Int: [UInt8]] = [:]
    for (other, itsKeys) in known where other != client {
      let key = try round.sealingKey(
        sealingKey, with: itsKeys.sealingKey, of: other, from: client, to: other)
      let share = SecretShare(bytes: secret.share(at: round.point(of: other)))
      sealed[other] = share.sealed(with: key)
    }
    keys = known
    return sealed
  }

  /// Takes the others' shares. Masks are those with the clients that have sent one.
  ///
  /// - Parameter sealed: What each of the others has sealed for this client: of the same others for all clients.
  /// - Throws: `FederationError`: fewer than the threshold have sent shares, or one was changed.
  package func receive(_ sealed: [Int: [UInt8]]) throws(FederationError) {
    guard let keys, shares == nil else {
      preconditionFailure("client \(client) takes shares once, after it has dealt its own")
    }
    try round.require(sealed.keys, among: keys.keys.filter { $0 != client })
    try round.require(sealed.count + 1)
    var received = [client: SecretShare(bytes: secret.share(at: round.point(of: client)))]
    var masks = MaskSum()
    masks.add(secret.withSecret(SecretShare.seed) { round.ownMask(seed: $0, of: client) })
    for (other, bytes) in sealed.sorted(by: { $0.key < $1.key }) {
      guard let itsKeys = keys[other] else { continue }
      let key = try round.sealingKey(
        sealingKey, with: itsKeys.sealingKey, of: other, from: other, to: client)
      guard let share = SecretShare(opening: bytes, with: key) else {
        throw .sealedShare(from: other, to: client, round: round.number)
      }
      received[other] = share
      masks.add(
        try round.pairMask(maskKey, of: client, with: itsKeys.maskKey, of: other),
        by: client, with: other)
    }
    (shares, self.masks) = (received, masks)
  }

  /// Adds this client's masks to a slice of its vector. Each element gets them once: two vectors under the same masks
  /// would tell their difference.
  ///
  /// - Parameters:
  ///   - values: Elements `first` ..< `first + values.count`.
  ///   - threads: Share the work; their number does not matter to the result.
  package func addMasks(
    to values: UnsafeMutableBufferPointer<UInt64>, from first: Int, on threads: ThreadPool
  ) {
    precondition(shares != nil, "client \(client) has no masks before it has the others' shares")
    masks.apply(to: values, from: first, on: threads)
  }

  /// Opens what is needed to take the masks off the sum: of each client that remains the share of its own seed, of each
  /// that is gone the share of its mask key.
  ///
  /// - Parameter remaining: The clients whose masked vectors are in the sum, this one among them.
  /// - Returns: `round.openingSize` bytes; the same again where it is asked the same again.
  /// - Throws: `FederationError`: too few remain, or it was asked before about others.
  package func opening(remaining: [Int]) throws(FederationError) -> [UInt8] {
    guard let shares else {
      preconditionFailure("client \(client) has no shares to open before it has received them")
    }
    let remaining = remaining.sorted()
    try round.require(remaining, among: shares.keys)
    guard remaining.contains(client) else {
      throw .gone(client: client, round: round.number)
    }
    try round.require(Set(remaining).count)
    guard opened == nil || opened == remaining else {
      throw .openedOtherwise(client: client, round: round.number)
    }
    opened = remaining
    let parts = round.members.map { member -> Opening.Part in
      guard let share = shares[member] else { return .nothing }
      return remaining.contains(member)
        ? .seed(share.part(SecretShare.seed)) : .maskKey(share.part(SecretShare.maskKey))
    }
    return Opening(parts: parts).bytes
  }
}

extension Curve25519.KeyAgreement.PrivateKey {
  /// - Parameter bytes: 32; any are a key.
  init(bytes: UnsafeRawBufferPointer) {
    do {
      try self.init(rawRepresentation: bytes)
    } catch {
      preconditionFailure("X25519 takes any 32 bytes for a key, not \(bytes.count): \(error)")
    }
  }
}
