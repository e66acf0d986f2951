import Crypto
import Foundation
import LockstepKeys

/// A round of secure aggregation: who takes part, and how many have to remain.
///
/// K. Bonawitz et al., "Practical Secure Aggregation for Privacy-Preserving Machine Learning", 2017, against a server
/// that follows the protocol and looks at everything it gets. Each client adds a mask to its vector for every other
/// client, which that one subtracts, and one of its own. So the sum of all vectors has the own masks left, and of
/// those who are gone, the masks that nobody subtracted. Shares of the secrets behind both were dealt out before:
/// of a client that remains the own mask is opened, of one that is gone the others, and never both, which would bare
/// its vector.
///
///     keys                MaskingClient.publicKeys         each to all
///     shares              sealedShares(publicKeys:)        each to each, sealed
///                         receive(_:)
///     masked vectors      addMasks(to:from:on:)            their sum to the server
///     openings            opening(remaining:)              each to the server
///     sum                 MaskRemoval.removeMasks(from:from:on:)
///
/// Clients may be gone before any of these. Elements are 64-bit numbers that wrap, so masks cancel exactly.
package struct MaskedRound: Sendable, Equatable {
  /// The round's number among those of the training.
  package let number: Int
  /// The clients that take part, ascending.
  package let members: [Int]
  /// t: as many have to remain. The server would have to be in league with t clients to see a vector.
  package let threshold: Int

  /// Bytes of what a client tells all others first.
  package static let publicKeysSize = ClientKeys.size
  /// Bytes of what a client seals for one other.
  package static let sealedShareSize = SecretShare.size + 28
  /// Bytes of what a client opens.
  package var openingSize: Int { members.count * Opening.sizePerMember }

  /// - Parameters:
  ///   - members: 2 to 255 clients, each once, in any order.
  ///   - threshold: From 2 to the number of members.
  /// - Throws: `FederationError.memberCount`, `.threshold`.
  package init(number: Int, members: [Int], threshold: Int) throws(FederationError) {
    precondition(Set(members).count == members.count, "a client takes part once")
    guard (2...255).contains(members.count) else { throw .memberCount(members.count) }
    guard (2...members.count).contains(threshold) else {
      throw .threshold(threshold, members: members.count)
    }
    self.number = number
    self.members = members.sorted()
    self.threshold = threshold
  }

  /// Where a member's shares are taken: its place among the members, from 1.
  func point(of client: Int) -> UInt8 {
    guard let place = members.firstIndex(of: client) else {
      preconditionFailure("client \(client) is no member of round \(number)")
    }
    return UInt8(place + 1)
  }

  /// Stops where too few are left.
  func require(_ count: Int) throws(FederationError) {
    guard count >= threshold else {
      throw .tooFewRemain(count, threshold: threshold, round: number)
    }
  }

  /// Stops where clients are named that are not among `known`.
  func require(_ clients: some Sequence<Int>, among known: some Sequence<Int>)
    throws(FederationError)
  {
    let strangers = Set(clients).subtracting(known)
    guard strangers.isEmpty else { throw .strangers(strangers.sorted(), round: number) }
  }

  // MARK: Keys

  /// The keystream of the mask between two clients.
  ///
  /// - Parameters:
  ///   - key: The mask key of one of them.
  ///   - publicKey: That of the other one.
  func pairMask(
    _ key: Curve25519.KeyAgreement.PrivateKey, of client: Int,
    with publicKey: Curve25519.KeyAgreement.PublicKey, of other: Int
  ) throws(FederationError) -> ChaCha20Stream {
    let pair = "clients \(min(client, other)) and \(max(client, other))"
    return ChaCha20Stream(
      key: try agree(key, with: publicKey, of: other, for: "mask 1, \(pair)"))
  }

  /// The keystream of a client's own mask.
  func ownMask(seed: UnsafeRawBufferPointer, of client: Int) -> ChaCha20Stream {
    ChaCha20Stream(
      key: HKDF<SHA256>.deriveKey(
        inputKeyMaterial: SymmetricKey(data: seed), info: information("seed 1, client \(client)"),
        outputByteCount: 32))
  }

  /// What a share is sealed with. It belongs to the round and the direction: a share that is handed to somebody
  /// else, or kept for another round, does not open.
  func sealingKey(
    _ key: Curve25519.KeyAgreement.PrivateKey,
    with publicKey: Curve25519.KeyAgreement.PublicKey, of other: Int,
    from sender: Int, to receiver: Int
  ) throws(FederationError) -> SymmetricKey {
    try agree(key, with: publicKey, of: other, for: "share 1, client \(sender) to \(receiver)")
  }

  private func agree(
    _ key: Curve25519.KeyAgreement.PrivateKey,
    with publicKey: Curve25519.KeyAgreement.PublicKey, of other: Int, for purpose: String
  ) throws(FederationError) -> SymmetricKey {
    // Zero with a point of small order, whatever the key: swift-crypto leaves that to its callers.
    guard let agreed = try? key.sharedSecretFromKeyAgreement(with: publicKey),
      agreed.withUnsafeBytes({ $0.reduce(0, |) }) != 0
    else { throw .publicKeys(client: other, round: number) }
    return agreed.hkdfDerivedSymmetricKey(
      using: SHA256.self, salt: Data(), sharedInfo: information(purpose), outputByteCount: 32)
  }

  private func information(_ purpose: String) -> Data {
    Data("lockstep federation, round \(number), \(purpose)".utf8)
  }
}
