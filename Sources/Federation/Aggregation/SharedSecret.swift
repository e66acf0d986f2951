import Foundation
import LockstepKeys

/// A secret that is shared out so that any t shares give it back, and fewer tell nothing of it.
///
/// A. Shamir, "How to share a secret", 1979, for each byte by itself over GF(2⁸): the share at point x ≠ 0 is
///
///     secret + c₁ x + … + cₜ₋₁ xᵗ⁻¹
///
/// with random c: through t - 1 points and any secret there is exactly one such polynomial.
package struct SharedSecret {
  /// t.
  package let threshold: Int
  /// Of the secret, and of each share; a multiple of 8.
  package let byteCount: Int
  /// The secret, then c₁ to cₜ₋₁.
  private let coefficients: SecretBytes

  /// A random secret.
  package init(
    byteCount: Int, threshold: Int, using generator: inout some RandomNumberGenerator
  ) {
    precondition(byteCount.isMultiple(of: 8) && threshold >= 1)
    (self.threshold, self.byteCount) = (threshold, byteCount)
    coefficients = SecretBytes.random(count: byteCount * threshold, using: &generator)
  }

  /// Calls `body` with bytes of the secret.
  package func withSecret<Result>(
    _ range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws -> Result
  ) rethrows -> Result {
    precondition(range.upperBound <= byteCount)
    return try coefficients.withBytes { try body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  /// The share at a point.
  ///
  /// - Parameter point: Not 0, where the secret itself is.
  package func share(at point: UInt8) -> SecretBytes {
    precondition(point != 0, "the share at point 0 would be the secret")
    let share = SecretBytes(count: byteCount)
    coefficients.withBytes { coefficients in
      share.withMutableBytes { share in
        for lane in stride(from: 0, to: byteCount, by: 8) {
          var sum: UInt64 = 0
          for power in (0..<threshold).reversed() {
            let coefficient = coefficients.load(
              fromByteOffset: power * byteCount + lane, as: UInt64.self)
            sum = FieldLanes.product(sum, point) ^ coefficient
          }
          share.storeBytes(of: sum, toByteOffset: lane, as: UInt64.self)
        }
      }
    }
    return share
  }
}

/// Puts secrets together from shares at given points: the value at 0 of the polynomial through them, after Lagrange.
package struct SecretRecovery {
  /// What each point's share is multiplied with.
  private let weights: [UInt8]

  /// - Parameter points: As many as the threshold, different ones, none of them 0.
  package init(points: [UInt8]) {
    precondition(Set(points).count == points.count && !points.contains(0))
    weights = points.map { point in
      // The product of other / (other - point); subtraction is addition here.
      points.filter { $0 != point }.reduce(1) { product, other in
        let factor = FieldLanes.product(other, FieldLanes.inverse(other ^ point))
        return FieldLanes.product(product, factor)
      }
    }
  }

  /// - Parameter shares: In the order of the points, all of one length, a multiple of 8.
  package func secret(of shares: [[UInt8]]) -> SecretBytes {
    precondition(shares.count == weights.count && Set(shares.map(\.count)).count == 1)
    let secret = SecretBytes(count: shares[0].count)
    secret.withMutableBytes { secret in
      for lane in stride(from: 0, to: secret.count, by: 8) {
        let sum = zip(shares, weights).reduce(UInt64(0)) { sum, term in
          let elements = term.0.withUnsafeBytes {
            $0.loadUnaligned(fromByteOffset: lane, as: UInt64.self)
          }
          return sum ^ FieldLanes.product(elements, term.1)
        }
        secret.storeBytes(of: sum, toByteOffset: lane, as: UInt64.self)
      }
    }
    return secret
  }
}

extension SecretBytes {
  /// Random bytes.
  package static func random(
    count: Int, using generator: inout some RandomNumberGenerator
  ) -> SecretBytes {
    precondition(count.isMultiple(of: 8))
    let bytes = SecretBytes(count: count)
    bytes.withMutableBytes { bytes in
      for offset in stride(from: 0, to: count, by: 8) {
        bytes.storeBytes(of: generator.next(), toByteOffset: offset, as: UInt64.self)
      }
    }
    return bytes
  }
}
