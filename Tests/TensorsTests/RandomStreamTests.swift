import CLockstepKernels
import LockstepParallelism
import LockstepTensors
import TestSupport
import Testing

@Suite struct RandomStreamTests {
  /// The known answers of Random123's distribution (kat_vectors, philox4x32-10): counter, key, result.
  static let knownAnswers: [(counter: [UInt32], key: [UInt32], result: [UInt32])] = [
    (
      [0, 0, 0, 0], [0, 0], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
    ),
    (
      [0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff], [0xffff_ffff, 0xffff_ffff],
      [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
    ),
    (
      [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344], [0xa409_3822, 0x299f_31d0],
      [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
    ),
  ]

  @Test(arguments: knownAnswers.indices)
  func philoxGivesThePublishedNumbers(which: Int) {
    let (counter, key, expected) = Self.knownAnswers[which]
    var stream = CKernels_RandomStream(
      seed: UInt64(key[1]) << 32 | UInt64(key[0]), site: counter[1], step: counter[2],
      microbatch: counter[3])
    var words = [UInt32](repeating: 0, count: 4)
    CKernels_philox(&stream, counter[0], &words)
    #expect(words == expected)
  }

  @Test func numbersOfTwoPurposesSitesStepsOrMicrobatchesDiffer() {
    let streams = [
      RandomStream(seed: 1, purpose: .dropout), RandomStream(seed: 2, purpose: .dropout),
      RandomStream(seed: 1 << 32 | 1, purpose: .dropout),
      RandomStream(seed: 1, purpose: .sampling), RandomStream(seed: 1, purpose: .dropout, site: 1),
      RandomStream(seed: 1, purpose: .dropout, step: 1),
      RandomStream(seed: 1, purpose: .dropout, microbatch: 1),
    ]
    #expect(Set(streams.map { $0.uniform(at: 5) }).count == streams.count)
  }

  @Test func uniformNumbersCoverTheUnitIntervalEvenly() {
    let stream = RandomStream(seed: 3, purpose: .test)
    var counts = [Int](repeating: 0, count: 10)
    for position in 0..<20_000 {
      let value = stream.uniform(at: position)
      #expect(0 <= value && value < 1)
      counts[Int(value * 10)] += 1
    }
    #expect(counts.allSatisfy { abs($0 - 2000) < 200 })
  }

  private func filled(_ count: Int, threads: Int = 1, normal: Bool) -> [Float] {
    let stream = RandomStream(seed: 11, purpose: .test, site: 4)
    let pool = ThreadPool(threadCount: threads)
    return Array(unsafeUninitializedCapacity: count) { buffer, filled in
      let span = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
      if normal {
        stream.fillNormal(span, deviation: 0.5, on: pool)
      } else {
        stream.fillUniform(span, bound: 0.25, on: pool)
      }
      filled = count
    }
  }

  @Test func normalNumbersHaveTheMomentsOfTheNormalDistribution() {
    let count = 400_000
    let z = filled(count, normal: true).map { Double($0) / 0.5 }
    func moment(_ power: Int) -> Double {
      z.reduce(0) { sum, x in sum + (0..<power).reduce(1.0) { product, _ in product * x } }
        / Double(count)
    }
    #expect(abs(moment(1)) < 0.01)
    #expect(abs(moment(2) - 1) < 0.01)
    #expect(abs(moment(3)) < 0.03)
    #expect(abs(moment(4) - 3) < 0.06)
    let within = Double(z.count { abs($0) < 1 }) / Double(count)
    #expect(abs(within - 0.682_689) < 0.004)
    // Neighbours in a pair share a radius, and must not be correlated.
    let products = (0..<count - 16).reduce(0.0) { $0 + z[$1] * z[$1 + 16] }
    #expect(abs(products / Double(count)) < 0.01)
  }

  @Test func uniformFillsStayInsideTheirBounds() {
    let values = filled(400_000, normal: false)
    #expect(values.allSatisfy { -0.25 <= $0 && $0 < 0.25 })
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(values.count)
    #expect(abs(mean) < 0.002)
    #expect(abs(square - 0.25 * 0.25 / 3) < 0.0002)
  }

  @Test(arguments: [true, false])
  func fillsDependNeitherOnThreadsNorOnTheLength(normal: Bool) {
    let whole = filled(1000, normal: normal)
    for threads in [2, 3, 5] { #expect(filled(1000, threads: threads, normal: normal) == whole) }
    for count in [1, 63, 64, 65, 130] {
      #expect(filled(count, normal: normal) == Array(whole[..<count]))
    }
  }
}
