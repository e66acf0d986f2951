import LockstepFederation
import LockstepKeys
import TestSupport
import Testing

@Suite struct SharedSecretTests {
  /// Multiplication of polynomials over GF(2), then division, bit by bit.
  private func naiveProduct(_ a: UInt8, _ b: UInt8) -> UInt8 {
    var product: UInt16 = 0
    for bit in 0..<8 where b >> bit & 1 == 1 { product ^= UInt16(a) << bit }
    for bit in (8..<16).reversed() where product >> bit & 1 == 1 {
      product ^= 0x11B << (bit - 8)
    }
    return UInt8(product)
  }

  @Test func productsAreThoseOfTheField() {
    // FIPS 197, section 4.2.
    #expect(FieldLanes.product(UInt8(0x57), 0x83) == 0xC1)
    for a in stride(from: UInt8(0), to: 255, by: 3) {
      let eight = (0..<8).map { a &+ 37 &* UInt8($0) }
      let word = eight.reduce(0) { $0 << 8 | UInt64($1) }
      let wrong = (0...UInt8.max).filter { b in
        FieldLanes.product(word, b)
          != eight.reduce(0) { $0 << 8 | UInt64(naiveProduct($1, b)) }
      }
      #expect(wrong == [], "times \(a)")
    }
  }

  @Test func everyElementButZeroHasAnInverse() {
    for element: UInt8 in 1...255 {
      #expect(FieldLanes.product(element, FieldLanes.inverse(element)) == 1)
    }
  }

  @Test(arguments: [(1, 1), (2, 2), (5, 3), (20, 13), (255, 40)])
  func anySharesOfTheThresholdGiveTheSecretBack(count: Int, threshold: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    let secret = SharedSecret(byteCount: 64, threshold: threshold, using: &generator)
    let bytes = secret.withSecret(0..<64) { Array($0) }
    for _ in 0..<3 {
      let points = (1...count).shuffled(using: &generator).prefix(threshold).map { UInt8($0) }
      let shares = points.map { secret.share(at: $0).withBytes { Array($0) } }
      let recovered = SecretRecovery(points: points).secret(of: shares)
      #expect(recovered.withBytes { Array($0) } == bytes)
    }
  }

  /// Any secret is consistent with t - 1 shares: for each there is exactly one share at a further point.
  @Test func oneShareTooFewTellsNothing() {
    var generator = SeededGenerator(seed: 9)
    let secret = SharedSecret(byteCount: 8, threshold: 4, using: &generator)
    let points: [UInt8] = [2, 9, 200]
    let shares = points.map { secret.share(at: $0).withBytes { Array($0) } }
    let recovery = SecretRecovery(points: points + [77])
    var secrets: Set<UInt8> = []
    for last: UInt8 in 0...255 {
      let guessed = recovery.secret(of: shares + [[UInt8](repeating: last, count: 8)])
      secrets.insert(guessed.withBytes { $0[3] })
    }
    #expect(secrets.count == 256)
  }

  @Test(arguments: 1...6)
  func fewerSharesMakeUpSomethingElse(count: Int) {
    var generator = SeededGenerator(seed: 11)
    let secret = SharedSecret(byteCount: 32, threshold: 7, using: &generator)
    let points = (1...UInt8(count)).map { $0 * 5 }
    let shares = points.map { secret.share(at: $0).withBytes { Array($0) } }
    let guessed = SecretRecovery(points: points).secret(of: shares).withBytes { Array($0) }
    let bytes = secret.withSecret(0..<32) { Array($0) }
    // A byte is right by chance once in 256 times.
    #expect(zip(guessed, bytes).filter { $0 == $1 }.count <= 3)
  }

  @Test func theSharesOfOneSecretDifferAndAreNotTheSecret() {
    var generator = SeededGenerator(seed: 10)
    let secret = SharedSecret(byteCount: 32, threshold: 3, using: &generator)
    let shares = (1...20).map { secret.share(at: $0).withBytes { Array($0) } }
    #expect(Set(shares + [secret.withSecret(0..<32) { Array($0) }]).count == 21)
  }
}
