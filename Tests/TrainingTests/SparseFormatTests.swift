import LockstepTraining
import TestSupport
import Testing

/// What workers send of their changes with `sparseloco`, beside the description in CKernels_sparse.h.
@Suite struct SparseFormatTests {
  /// A residual, where a worker began, and where it came to.
  fileprivate struct Change {
    var residual: [Float]
    let start: [Float]
    let end: [Float]

    init(_ count: Int, seed: UInt64 = 1, scale: Float = 1) {
      var random = SeededGenerator(seed: seed)
      func values(_ scale: Float) -> [Float] {
        (0..<count).map { _ in Float.random(in: -1...1, using: &random) * scale }
      }
      residual = values(0.2 * scale)
      start = values(scale)
      // Most changes are small.
      end = zip(start, values(1)).map { $0 + $1 * $1 * $1 * scale }
    }
  }

  /// The message of a change, which is taken out of its residual.
  private func message(
    of change: inout Change, density: Double, decay: Float = 0.5
  ) -> (format: SparseFormat, bytes: [UInt8]) {
    let format = SparseFormat(elementCount: change.start.count, density: density)
    // What is written is all of it, and no more.
    var bytes = [UInt8](repeating: 0xee, count: format.byteCount + 1)
    for block in 0..<format.blockCount {
      bytes.withUnsafeMutableBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        format.takeLargest(
          of: block, residual: &change.residual, decay: decay, start: change.start,
          end: change.end, into: base)
      }
    }
    #expect(bytes.removeLast() == 0xee)
    return (format, bytes)
  }

  private func sum(of bytes: [UInt8], _ format: SparseFormat, onto: Float = 0) -> [Float] {
    var bytes = bytes
    return (0..<format.blockCount).flatMap { block -> [Float] in
      var sum = [Float](repeating: onto, count: SparseFormat.blockSize)
      bytes.withUnsafeMutableBytes { bytes in
        if let base = bytes.baseAddress { format.add(block, of: base, to: &sum) }
      }
      return Array(sum.prefix(format.elements(ofBlock: block).count))
    }
  }

  /// What is sent of a change and what is left, one element after the other.
  private func described(
    _ change: Change, density: Double, decay: Float = 0.5
  ) -> (sent: [Float], left: [Float]) {
    var left = change.start.indices.map {
      decay * change.residual[$0] + (change.start[$0] - change.end[$0])
    }
    var sent = [Float](repeating: 0, count: left.count)
    for first in stride(from: 0, to: left.count, by: 4096) {
      let block = first..<min(left.count, first + 4096)
      let share = (density * 4096).rounded(.up) / 4096
      let kept = Int((share * Double(block.count)).rounded(.up))
      let largest = block.sorted {
        (-left[$0].magnitude, $0) < (-left[$1].magnitude, $1)
      }.prefix(kept)
      let scale = Float(
        bitPattern: ((left[block].map(\.magnitude).max() ?? 0) / 127).bitPattern & ~0x7f)
      guard scale >= .leastNormalMagnitude else { continue }
      for index in largest {
        let number = min(127, max(-127, (left[index] / scale).rounded(.toNearestOrEven)))
        sent[index] = number * scale
        left[index] -= sent[index]
      }
    }
    return (sent, left)
  }

  private func differ(_ found: [Float], _ expected: [Float]) -> Int? {
    if found.count != expected.count { return -1 }
    return found.indices.first {
      found[$0].bitPattern != expected[$0].bitPattern && !(found[$0] == 0 && expected[$0] == 0)
    }
  }

  @Test(arguments: [1, 15, 16, 17, 100, 4096, 4200])
  func bitsAreThoseOfTheDescription(count: Int) {
    for density in [1.0 / 4096, 255.0 / 4096, 256.0 / 4096, 1] {
      for scale in [1, 1e-36, 0x1p-133, 1e30] as [Float] {
        var change = Change(count, seed: UInt64(count), scale: scale)
        let (sent, left) = described(change, density: density)
        let (format, bytes) = message(of: &change, density: density)
        #expect(differ(sum(of: bytes, format), sent) == nil, "sent: \(density), \(scale)")
        #expect(differ(change.residual, left) == nil, "left: \(density), \(scale)")
      }
    }
  }

  @Test func ofEqualMagnitudesTheFirstAreKept() {
    var change = Change(100)
    change.residual = (0..<100).map { $0.isMultiple(of: 2) ? 3 : -3 }
    let zeros = [Float](repeating: 0, count: 100)
    change = Change(residual: change.residual, from: zeros)
    let (format, bytes) = message(of: &change, density: 0.1, decay: 1)
    let kept = sum(of: bytes, format).indices.filter { change.residual[$0].magnitude < 1 }
    #expect(kept == Array(0..<11))
  }

  /// Each of many equal changes is sent in part, and nothing is lost: what is left stays small.
  @Test func whatIsLeftIsSentLater() {
    let rounds = 60
    let whole = Change(5000)
    var total = [Float](repeating: 0, count: 5000)
    var residual = [Float](repeating: 0, count: 5000)
    for _ in 0..<rounds {
      var change = Change(residual: residual, from: whole.start, to: whole.end)
      let (format, bytes) = message(of: &change, density: 0.1, decay: 1)
      for (index, value) in sum(of: bytes, format).enumerated() { total[index] += value }
      residual = change.residual
    }
    for index in total.indices {
      let expected = Float(rounds) * (whole.start[index] - whole.end[index])
      #expect(abs(total[index] + residual[index] - expected) < 1e-3 * Float(rounds))
    }
    let largest = zip(whole.start, whole.end).map { ($0 - $1).magnitude }.max() ?? 0
    // An element waits until it is among the tenth part.
    #expect(residual.allSatisfy { $0.magnitude < 10 * largest })
  }

  @Test func aMessageAddsToWhatOthersHaveSent() {
    var change = Change(5000)
    let (format, bytes) = message(of: &change, density: 0.02)
    let (plain, onto) = (sum(of: bytes, format), sum(of: bytes, format, onto: 1))
    #expect(differ(onto, plain.map { 1 + $0 }) == nil)
  }

  @Test(arguments: [0.01, 0.5])
  func whatIsNotFiniteIsNotLost(density: Double) {
    for wrong in [Float.nan, .infinity, -.infinity] {
      var change = Change(5000)
      change.residual[4500] = wrong
      let (format, bytes) = message(of: &change, density: density)
      let sum = sum(of: bytes, format)
      #expect(sum[..<4096].allSatisfy { $0.isFinite })
      #expect(sum[4096...].contains { $0.isNaN })
    }
  }

  @Test func aThirtySecondOfAChangeIsAboutATenthOfAByteAnElement() {
    let format = SparseFormat(elementCount: 1 << 20, density: 1.0 / 32)
    #expect(format.byteCount == 256 * (4 + 128 * 3))
    // With more than a sixteenth, one bit for each element of a block.
    let dense = SparseFormat(elementCount: 1 << 20, density: 1)
    #expect(dense.byteCount == 256 * (4 + 512 + 4096))
  }
}

extension SparseFormatTests.Change {
  fileprivate init(residual: [Float], from start: [Float], to end: [Float]? = nil) {
    self.residual = residual
    self.start = start
    self.end = end ?? start
  }
}
