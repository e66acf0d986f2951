import Crypto
import Foundation
import LockstepKeys

/// What a client tells all others: a public key that masks are agreed on with, one that shares are sealed with, and
/// a hash of its own seed, by which a wrong one would be found out.
struct ClientKeys {
  static let size = 96

  let maskKey: Curve25519.KeyAgreement.PublicKey
  let sealingKey: Curve25519.KeyAgreement.PublicKey
  let seedHash: [UInt8]

  var bytes: [UInt8] {
    Array(maskKey.rawRepresentation) + Array(sealingKey.rawRepresentation) + seedHash
  }

  init(
    maskKey: Curve25519.KeyAgreement.PublicKey, sealingKey: Curve25519.KeyAgreement.PublicKey,
    seedHash: [UInt8]
  ) {
    (self.maskKey, self.sealingKey, self.seedHash) = (maskKey, sealingKey, seedHash)
  }

  /// - Throws: `FederationError.publicKeys`.
  init(_ bytes: [UInt8], of client: Int, in round: MaskedRound) throws(FederationError) {
    guard bytes.count == Self.size,
      let maskKey = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes[..<32]),
      let sealingKey = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: bytes[32..<64])
    else { throw .publicKeys(client: client, round: round.number) }
    self.init(maskKey: maskKey, sealingKey: sealingKey, seedHash: Array(bytes[64...]))
  }

  /// Of 256 random bits, so it tells nothing of them.
  static func hash(seed: UnsafeRawBufferPointer) -> [UInt8] {
    var hash = SHA256()
    hash.update(data: Array("lockstep federation seed 1".utf8))
    hash.update(bufferPointer: seed)
    return Array(hash.finalize())
  }
}

/// A share of a client's two secrets: of its mask key, and of its own seed.
struct SecretShare {
  static let size = 64
  static let maskKey = 0..<32
  static let seed = 32..<64

  let bytes: SecretBytes

  func part(_ range: Range<Int>) -> [UInt8] { bytes.withBytes { Array($0[range]) } }

  func sealed(with key: SymmetricKey) -> [UInt8] {
    bytes.withBytes { bytes in
      do {
        return Array(try ChaChaPoly.seal(bytes, using: key).combined)
      } catch {
        preconditionFailure("ChaCha20-Poly1305 takes a key of 32 bytes: \(error)")
      }
    }
  }

  init(bytes: SecretBytes) { self.bytes = bytes }

  /// Nil where it was changed, or sealed with another key.
  init?(opening sealed: [UInt8], with key: SymmetricKey) {
    guard sealed.count == MaskedRound.sealedShareSize,
      let box = try? ChaChaPoly.SealedBox(combined: sealed),
      let opened = try? ChaChaPoly.open(box, using: key)
    else { return nil }
    bytes = SecretBytes(count: Self.size)
    bytes.withMutableBytes { $0.copyBytes(from: opened) }
  }
}

/// What a client opens: for each member of the round nothing, its share of the own seed, or its share of the mask
/// key. There is no way to write down both.
struct Opening: Equatable {
  enum Part: Equatable {
    /// The member did not share its secrets.
    case nothing
    /// The member remains.
    case seed([UInt8])
    /// The member is gone.
    case maskKey([UInt8])

    /// What the first byte says.
    var mark: UInt8 {
      switch self {
      case .nothing: 0
      case .seed: 1
      case .maskKey: 2
      }
    }

    var share: [UInt8] {
      switch self {
      case .nothing: [UInt8](repeating: 0, count: 32)
      case .seed(let share), .maskKey(let share): share
      }
    }

    init?(_ bytes: ArraySlice<UInt8>) {
      let share = Array(bytes.dropFirst())
      switch bytes.first {
      case 0: self = .nothing
      case 1: self = .seed(share)
      case 2: self = .maskKey(share)
      default: return nil
      }
    }
  }

  static let sizePerMember = 33

  /// One part for each member, in the members' order.
  let parts: [Part]

  init(parts: [Part]) { self.parts = parts }

  /// - Throws: `FederationError.opening`.
  init(_ bytes: [UInt8], of client: Int, in round: MaskedRound) throws(FederationError) {
    let starts = stride(from: 0, to: bytes.count, by: Self.sizePerMember)
    guard bytes.count == round.openingSize else {
      throw .opening(client: client, round: round.number)
    }
    let parts = starts.compactMap { Part(bytes[$0..<$0 + Self.sizePerMember]) }
    guard parts.count == round.members.count else {
      throw .opening(client: client, round: round.number)
    }
    self.parts = parts
  }

  var bytes: [UInt8] { parts.flatMap { [$0.mark] + $0.share } }
}
