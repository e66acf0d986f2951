import LockstepCommunication
import LockstepParallelism
import TestSupport
import Testing

@Suite struct ReductionTests {
  /// What one run of a group gives.
  struct Outcome: Equatable {
    var gradient: [Float]
    var squaredNorm: UInt64
    var scalars: [UInt64]
    var flag: Int
  }

  struct Case: CustomStringConvertible, Sendable {
    var size: Int
    var leafCount: Int
    var elementCount: Int
    var ranksPerHost: Int
    /// Whether the last gradient is summed while it is computed, from its end to its begin.
    var isAnnounced = false
    var partialSums = PartialSums.float32
    /// Where in the gradient each rank's parts lie.
    var layout = SlicePartition.Layout.contiguous
    /// How many leaves each rank has; nil: as evenly as can be.
    var counts: [Int]?
    var description: String {
      "N \(size), M \(leafCount), P \(elementCount), \(ranksPerHost) a host"
        + (isAnnounced ? ", announced" : "") + (partialSums == .float32 ? "" : ", \(partialSums)")
        + (counts.map { ", \($0) each" } ?? "")
    }
  }

  private static func draws(step: Int) -> StepDraws {
    StepDraws(seed: 5 << 40 | 3, step: 10 + step, firstMicrobatch: 100)
  }

  /// Runs two steps on `communicator`; returns this rank's parts of the second.
  private func run(
    _ communicator: any Communicator, _ setting: Case, pool: ThreadPool? = nil
  ) throws -> (parts: [Range<Int>], outcome: Outcome) {
    let reduction = try CanonicalReduction(
      communicator: communicator, elementCount: setting.elementCount,
      division: setting.counts.map(LeafDivision.init(counts:))
        ?? LeafDivision(leafCount: setting.leafCount, size: communicator.size),
      scalarCount: 2, partialSums: setting.partialSums, layout: setting.layout,
      pool: pool)
    var announcing: [Bool] = []
    for step in 1...2 {
      communicator.step = step
      reduction.begin(Self.draws(step: step))
      for leaf in reduction.ownedLeaves {
        let buffer = reduction.leafBuffer
        let isAnnounced = setting.isAnnounced && leaf == reduction.ownedLeaves.last
        if isAnnounced { announcing.append(reduction.beginLast()) }
        // Other pieces in each rank and step.
        var end = buffer.count
        while end > 0 {
          let start = max(0, end - (isAnnounced ? 100_003 + 50_000 * leaf / step : end))
          for element in start..<end {
            buffer[element] = NaiveReduction.leafValue(
              seed: UInt64(step), leaf: leaf, element: element)
          }
          end = start
          if isAnnounced { reduction.report(firstFinal: start) }
        }
        reduction.fold(scalars: [1 / Double(leaf + step), 1])
      }
      let gradient = try reduction.reduce(flag: communicator.rank * step)
      guard step == 2 else { continue }
      let isExpected = setting.size > setting.ranksPerHost
      #expect(announcing == Array(repeating: isExpected, count: setting.isAnnounced ? 2 : 0))
      let outcome = Outcome(
        gradient: gradient.parts.flatMap { gradient.values[$0] },
        squaredNorm: gradient.squaredNorm.bitPattern, scalars: gradient.scalars.map(\.bitPattern),
        flag: gradient.flag)
      return (gradient.parts, outcome)
    }
    preconditionFailure("the second step returns")
  }

  private func outcome(_ setting: Case) throws -> Outcome {
    let group = try InProcessGroup(size: setting.size, ranksPerHost: setting.ranksPerHost)
    let parts = try group.run { try self.run($0, setting) }
    var whole = parts[0].outcome
    let owned = parts.flatMap { zip($0.parts.joined(), $0.outcome.gradient) }
      .sorted { $0.0 < $1.0 }
    #expect(owned.map(\.0) == Array(0..<setting.elementCount))
    #expect(parts.allSatisfy { $0.outcome.squaredNorm == whole.squaredNorm })
    #expect(parts.allSatisfy { $0.outcome.scalars == whole.scalars })
    #expect(parts.allSatisfy { $0.outcome.flag == 2 * (setting.size - 1) })
    whole.gradient = owned.map(\.1)
    return whole
  }

  /// The first element with other bits; nil: none. Testing would look for the least difference of two long
  /// arrays, for minutes.
  private func difference(_ values: [Float], _ expected: [Float]) -> Int? {
    expected.indices.first { values[$0].bitPattern != expected[$0].bitPattern }
  }

  private func expectCanonical(_ setting: Case) throws {
    if setting.layout == .contiguous && setting.size > setting.ranksPerHost {
      var setting = setting
      setting.layout = .interleaved
      try expectCanonical(setting)
    }
    let outcome = try outcome(setting)
    let naive =
      switch setting.partialSums {
      case .float32:
        NaiveReduction.gradient(
          seed: 2, leafCount: setting.leafCount, elementCount: setting.elementCount)
      case .bfloat16:
        NaiveReduction.roundedGradient(
          seed: 2, leafCount: setting.leafCount, elementCount: setting.elementCount)
      case .int8:
        NaiveInt8.gradient(
          seed: 2, leafCount: setting.leafCount, elementCount: setting.elementCount,
          draws: Self.draws(step: 2))
      }
    #expect(difference(outcome.gradient, naive) == nil)
    let loss = NaiveReduction.treeSum(0..<setting.leafCount) { 1 / Double($0 + 2) }
    #expect(outcome.scalars == [loss.bitPattern, Double(setting.leafCount).bitPattern])
    let squares = naive.reduce(0.0) { $0 + Double($1) * Double($1) }
    let norm = Double(bitPattern: outcome.squaredNorm)
    #expect(abs(norm - squares) <= 1e-12 * squares)
  }

  @Test(arguments: [
    Case(size: 1, leafCount: 1, elementCount: 0, ranksPerHost: 1),
    Case(size: 1, leafCount: 1, elementCount: 1, ranksPerHost: 1),
    Case(size: 2, leafCount: 2, elementCount: 0, ranksPerHost: 1),
    Case(size: 2, leafCount: 5, elementCount: 1, ranksPerHost: 2),
    Case(size: 3, leafCount: 4_096, elementCount: 17, ranksPerHost: 2),
    Case(size: 9, leafCount: 4_095, elementCount: 3, ranksPerHost: 3),
    Case(size: 4, leafCount: 4, elementCount: 65_536, ranksPerHost: 4),
    Case(size: 3, leafCount: 7, elementCount: 65_537, ranksPerHost: 1),
    // More than a chunk of four blocks for each rank, in several rounds, on 2 + 1 ranks.
    Case(size: 3, leafCount: 6, elementCount: 1_900_001, ranksPerHost: 2, counts: [1, 1, 4]),
    Case(size: 4, leafCount: 12, elementCount: 70_001, ranksPerHost: 3, counts: [7, 1, 3, 1]),
    Case(size: 3, leafCount: 6, elementCount: 1_900_001, ranksPerHost: 2),
    Case(size: 2, leafCount: 3, elementCount: 1_200_003, ranksPerHost: 1),
    // More chunks than may be under way, on each number of hosts.
    Case(size: 2, leafCount: 2, elementCount: 5_300_001, ranksPerHost: 1, isAnnounced: true),
    Case(size: 3, leafCount: 6, elementCount: 1_900_001, ranksPerHost: 2, isAnnounced: true),
    Case(size: 3, leafCount: 9, elementCount: 3_300_001, ranksPerHost: 1, isAnnounced: true),
    Case(size: 4, leafCount: 4, elementCount: 2_200_001, ranksPerHost: 2, isAnnounced: true),
    Case(size: 2, leafCount: 2, elementCount: 0, ranksPerHost: 1, isAnnounced: true),
    Case(size: 2, leafCount: 2, elementCount: 70_000, ranksPerHost: 2, isAnnounced: true),
    Case(size: 1, leafCount: 1, elementCount: 70_001, ranksPerHost: 1, partialSums: .bfloat16),
    Case(size: 1, leafCount: 7, elementCount: 70_001, ranksPerHost: 1, partialSums: .bfloat16),
    Case(size: 3, leafCount: 9, elementCount: 900_001, ranksPerHost: 1, partialSums: .bfloat16),
    Case(size: 3, leafCount: 7, elementCount: 900_001, ranksPerHost: 2, partialSums: .bfloat16),
    Case(size: 1, leafCount: 1, elementCount: 70_001, ranksPerHost: 1, partialSums: .int8),
    Case(size: 1, leafCount: 7, elementCount: 70_001, ranksPerHost: 1, partialSums: .int8),
    Case(size: 2, leafCount: 3, elementCount: 600_001, ranksPerHost: 1, partialSums: .int8),
    Case(
      size: 3, leafCount: 4, elementCount: 900_001, ranksPerHost: 2, isAnnounced: true,
      partialSums: .int8, counts: [1, 1, 2]),
    Case(size: 4, leafCount: 13, elementCount: 70_100, ranksPerHost: 4, partialSums: .int8),
  ])
  func bitsEqualTheSequentialTree(setting: Case) throws {
    try expectCanonical(setting)
  }

  @Test(arguments: 0..<40)
  func bitsEqualTheSequentialTreeForRandomShapes(round: Int) throws {
    var generator = SeededGenerator(seed: UInt64(round))
    let size = Int.random(in: 1...9, using: &generator)
    // Mostly small numbers of leaves, sometimes up to the largest.
    let largest = [9, 9, 30, 30, 200, 4_096].randomElement(using: &generator) ?? 9
    let leafCount = Int.random(in: size...max(size, largest), using: &generator)
    let elementCount = Int.random(in: 0...max(1, 400_000 / leafCount), using: &generator)
    try expectCanonical(
      Case(
        size: size, leafCount: leafCount, elementCount: elementCount,
        ranksPerHost: Int.random(in: 1...3, using: &generator),
        isAnnounced: Bool.random(using: &generator),
        partialSums: [.float32, .bfloat16, .int8].randomElement(using: &generator) ?? .int8))
  }

  @Test func normAndScalarsDoNotDependOnRanksAndHosts() throws {
    let outcomes = try [(1, 1), (2, 2), (3, 1), (4, 2), (5, 3), (8, 3)].map { size, ranksPerHost in
      var outcome = try outcome(
        Case(size: size, leafCount: 8, elementCount: 300_007, ranksPerHost: ranksPerHost))
      outcome.flag = 0
      return outcome
    }
    #expect(outcomes.allSatisfy { $0 == outcomes[0] })
  }

  @Test(arguments: [2, 3], [PartialSums.float32, .int8])
  func bitsDoNotDependOnThreads(threadCount: Int, partialSums: PartialSums) throws {
    let setting = Case(
      size: 1, leafCount: 6, elementCount: 500_003, ranksPerHost: 1, partialSums: partialSums)
    let plain = try run(SoloCommunicator(), setting).outcome
    let pool = ThreadPool(threadCount: threadCount)
    let shared = try run(SoloCommunicator(), setting, pool: pool).outcome
    #expect(difference(shared.gradient, plain.gradient) == nil)
    #expect(shared.squaredNorm == plain.squaredNorm && shared.scalars == plain.scalars)
    let group = try InProcessGroup(size: 2, ranksPerHost: 1)
    let parts = try group.run { communicator in
      try self.run(communicator, setting, pool: ThreadPool(threadCount: threadCount)).outcome
    }
    #expect(difference(parts.flatMap(\.gradient), plain.gradient) == nil)
    #expect(parts[0].squaredNorm == plain.squaredNorm)
  }

  @Test func aNonFiniteLossIsTracedToItsRankAndMicrobatch() throws {
    let group = try InProcessGroup(size: 3, ranksPerHost: 2)
    let found = try group.run { communicator in
      let reduction = try CanonicalReduction(
        communicator: communicator, elementCount: 10, leafCount: 8, scalarCount: 2)
      for leaf in reduction.ownedLeaves {
        reduction.leafBuffer.update(repeating: 1)
        reduction.fold(scalars: [leaf == 5 ? .infinity : 1, leaf == 6 ? .nan : 1])
      }
      return try reduction.reduce().nonFiniteLeaf
    }
    let expected = NonFiniteLeaf(rank: 2, microbatch: 5, scalarIndex: 0, value: .infinity)
    #expect(found.allSatisfy { $0 == expected })
  }

  /// Micro-batches 0-1 on rank 0, 2-3 on rank 1, 4-5 on rank 2; two blocks, owned by ranks 1 and 2.
  @Test(arguments: [1, 2, 3], 0..<6)
  func aNonFiniteGradientIsTracedToItsMicrobatch(ranksPerHost: Int, broken: Int) throws {
    for element in [3, 70_000] {
      for partialSums in [PartialSums.float32, .int8] {
        try expectTraced(
          ranksPerHost: ranksPerHost, broken: broken, element: element, partialSums)
      }
    }
  }

  private func expectTraced(
    ranksPerHost: Int, broken: Int, element: Int, _ partialSums: PartialSums
  ) throws {
    let group = try InProcessGroup(size: 3, ranksPerHost: ranksPerHost)
    let found = try group.run { communicator in
      let reduction = try CanonicalReduction(
        communicator: communicator, elementCount: 70_001, leafCount: 6, partialSums: partialSums)
      for leaf in reduction.ownedLeaves {
        reduction.leafBuffer.update(repeating: 1)
        if leaf == broken { reduction.leafBuffer[element] = .infinity }
        reduction.fold()
      }
      #expect(try !reduction.reduce().squaredNorm.isFinite)
      return try reduction.locateNonFinite()
    }
    let expected = NonFiniteGradient(
      rank: broken / 2, microbatches: broken..<broken + 1, element: element)
    #expect(found.allSatisfy { $0 == expected }, "\(found)")
  }

  @Test func aFiniteGradientHasNothingToLocate() throws {
    let reduction = try CanonicalReduction(
      communicator: SoloCommunicator(), elementCount: 10, leafCount: 1)
    reduction.leafBuffer.update(repeating: .greatestFiniteMagnitude)
    reduction.fold()
    #expect(try reduction.reduce().squaredNorm.isFinite)
    #expect(try reduction.locateNonFinite() == nil)
  }

  @Test(arguments: [1, 2, 3])
  func plainReductionSumsInRankOrder(size: Int) throws {
    let (leafCount, elementCount) = (6, 70_001)
    let group = try InProcessGroup(size: size)
    let parts = try group.run { communicator in
      let reduction = try AllreduceReduction(
        communicator: communicator, elementCount: elementCount, leafCount: leafCount,
        scalarCount: 1)
      for step in 1...2 {
        for leaf in reduction.ownedLeaves {
          let buffer = reduction.leafBuffer
          for element in buffer.indices {
            buffer[element] = NaiveReduction.leafValue(
              seed: UInt64(step), leaf: leaf, element: element)
          }
          reduction.fold(scalars: [Double(leaf)])
        }
        let gradient = try reduction.reduce()
        guard step == 2 else { continue }
        #expect(gradient.scalars == [15])
        return gradient.parts.flatMap { gradient.values[$0] }
      }
      return []
    }
    let division = LeafDivision(leafCount: leafCount, size: size)
    let naive = (0..<elementCount).map { element in
      (0..<size).map { rank in
        division.leaves(of: rank).map {
          NaiveReduction.leafValue(seed: 2, leaf: $0, element: element)
        }
      }.map { $0.dropFirst().reduce($0[0], +) }
    }.map { $0.dropFirst().reduce($0[0], +) }
    #expect(parts.flatMap { $0 } == naive)
  }
}
