import Foundation
import LockstepFederation
import LockstepParallelism
import TestSupport
import Testing

@Suite struct SecureAggregationTests {
  private func vectors(
    of members: [Int], count: Int, using generator: inout SeededGenerator
  ) -> [Int: [UInt64]] {
    Dictionary(
      uniqueKeysWithValues: members.map { member in
        (member, (0..<count).map { _ in generator.next() })
      })
  }

  /// A round among clients with numbers that have gaps.
  private func aggregation(
    members: Int, threshold: Int, count: Int, seed: UInt64,
    absences: (_ members: [Int]) -> MaskedAggregation.Absences = { _ in .init() }
  ) throws -> MaskedAggregation {
    var generator = SeededGenerator(seed: seed)
    let round = try MaskedRound(
      number: 7, members: (0..<members).map { 3 * $0 + 1 }, threshold: threshold)
    let vectors = vectors(of: round.members, count: count, using: &generator)
    return MaskedAggregation(
      round, vectors: vectors, absences: absences(round.members), using: &generator)
  }

  @Test(arguments: 2...20)
  func theSumIsThatOfThePlainVectorsOfWhoRemains(members: Int) throws {
    for trial in 0..<4 {
      var generator = SeededGenerator(seed: UInt64(members * 10 + trial))
      let count = Int.random(in: 1...20_000, using: &generator)
      let gone = min(members - 2, Int.random(in: 0...(members * 2 / 5), using: &generator))
      let threshold = Int.random(in: 2...members - gone, using: &generator)
      var aggregation = try aggregation(
        members: members, threshold: threshold, count: count, seed: generator.next()
      ) { members in
        var absences = MaskedAggregation.Absences()
        for member in members.shuffled(using: &generator).prefix(gone) {
          switch Int.random(in: 0..<3, using: &generator) {
          case 0: absences.beforeShares.insert(member)
          case 1: absences.beforeVector.insert(member)
          default: absences.beforeOpening.insert(member)
          }
        }
        return absences
      }
      try aggregation.mask()
      #expect(
        try aggregation.sum(slices: 1 + trial) == aggregation.plainSum,
        "\(members) clients, \(count) elements, \(aggregation.absences)")
    }
  }

  @Test func anySliceIsMaskedAndUnmaskedAsTheWhole() throws {
    var aggregation = try aggregation(members: 3, threshold: 2, count: 20_001, seed: 5)
    try aggregation.mask()
    let client = try #require(aggregation.clients[4])
    let whole = try #require(aggregation.masked[4])
    for (first, count) in [(0, 1), (1, 8_191), (8_191, 2), (8_192, 8_192), (12_345, 7_656)] {
      var slice = Array(try #require(aggregation.vectors[4])[first..<first + count])
      slice.withUnsafeMutableBufferPointer {
        client.addMasks(to: $0, from: first, on: ThreadPool())
      }
      #expect(slice == Array(whole[first..<first + count]), "from \(first), \(count) elements")
    }
    #expect(try aggregation.sum(slices: 7) == aggregation.plainSum)
  }

  @Test func fewerThanTheThresholdAreAnErrorAtEveryPoint() throws {
    func gone(
      _ path: WritableKeyPath<MaskedAggregation.Absences, Set<Int>>
    ) throws -> MaskedAggregation {
      try aggregation(members: 5, threshold: 3, count: 10, seed: 1) { members in
        var absences = MaskedAggregation.Absences()
        absences[keyPath: path] = Set(members.prefix(3))
        return absences
      }
    }
    let tooFew = FederationError.tooFewRemain(2, threshold: 3, round: 7)
    var early = try gone(\.beforeShares)
    #expect(throws: tooFew) { try early.mask() }
    var late = try gone(\.beforeVector)
    try late.mask()
    #expect(throws: tooFew) { try late.sum() }
    // The clients themselves refuse: what a server says of the threshold does not matter.
    #expect(throws: tooFew) { try late.clients[10]?.opening(remaining: [10, 13]) }
    #expect(throws: tooFew) { try late.clients[13]?.opening(remaining: [10, 13, 13]) }
    var last = try gone(\.beforeOpening)
    try last.mask()
    #expect(throws: tooFew) { try last.sum() }
    let alone = try #require(late.clients[1])
    #expect(throws: FederationError.tooFewRemain(1, threshold: 3, round: 7)) {
      try MaskingClient(1, in: late.round).sealedShares(publicKeys: [1: alone.publicKeys])
    }
  }

  @Test func aChangedShareIsFoundAndNamed() throws {
    for place in [0, 11, 12, 50, 75, 76, MaskedRound.sealedShareSize - 1] {
      var aggregation = try aggregation(members: 4, threshold: 3, count: 1, seed: 2)
      #expect(throws: FederationError.sealedShare(from: 4, to: 10, round: 7)) {
        try aggregation.mask { sender, receiver, bytes in
          if sender == 4 && receiver == 10 { bytes[place] ^= 0x20 }
        }
      }
    }
  }

  @Test func aShareOpensForItsReceiverOnlyAndInItsRoundOnly() throws {
    let round = try MaskedRound(number: 1, members: [0, 1, 2], threshold: 2)
    let clients = round.members.map { MaskingClient($0, in: round) }
    let keys = Dictionary(
      uniqueKeysWithValues: clients.map { ($0.client, $0.publicKeys) })
    let sealed = try clients.map { try $0.sealedShares(publicKeys: keys) }
    #expect(throws: FederationError.sealedShare(from: 0, to: 2, round: 1)) {
      try clients[2].receive([0: #require(sealed[0][1]), 1: #require(sealed[1][2])])
    }
    #expect(throws: FederationError.sealedShare(from: 1, to: 0, round: 1)) {
      try clients[0].receive([1: #require(sealed[2][0])])
    }
    // Its own one, sent back.
    #expect(throws: FederationError.sealedShare(from: 1, to: 0, round: 1)) {
      try clients[0].receive([1: #require(sealed[0][1])])
    }
    // The same keys in a round with another number.
    var generators = (SeededGenerator(seed: 1), SeededGenerator(seed: 2))
    let next = try MaskedRound(number: 2, members: [0, 1], threshold: 2)
    let first = try MaskedRound(number: 1, members: [0, 1], threshold: 2)
    let sender = MaskingClient(0, in: first, using: &generators.0)
    let receiver = MaskingClient(1, in: next, using: &generators.1)
    let pair = [0: sender.publicKeys, 1: receiver.publicKeys]
    _ = try receiver.sealedShares(publicKeys: pair)
    let early = try sender.sealedShares(publicKeys: pair)
    #expect(throws: FederationError.sealedShare(from: 0, to: 1, round: 2)) {
      try receiver.receive([0: #require(early[1])])
    }
  }

  @Test func aMaskedVectorLooksRandom() throws {
    var generator = SeededGenerator(seed: 77)
    let zeros = [UInt64](repeating: 0, count: 65_536)
    var aggregation = MaskedAggregation(
      try MaskedRound(number: 7, members: [1, 4], threshold: 2), vectors: [1: zeros, 4: zeros],
      using: &generator)
    try aggregation.mask()
    let masked = try #require(aggregation.masked[1])
    for place in 0..<8 {
      var counts = [Double](repeating: 0, count: 256)
      for word in masked { counts[Int(word >> (8 * place) & 0xFF)] += 1 }
      // 255 degrees of freedom: above 341 once in 5,000 keys; these keys are fixed.
      let chiSquare = counts.reduce(0) { $0 + ($1 - 256) * ($1 - 256) / 256 }
      #expect((178...341).contains(chiSquare), "byte \(place): \(chiSquare)")
    }
    // Nor does it repeat itself: among random words of 64 bits none is there twice.
    #expect(Set(masked).count == masked.count)
  }

  @Test func nobodyOpensBothSecretsOfAClient() throws {
    var aggregation = try aggregation(members: 5, threshold: 3, count: 4, seed: 4) {
      .init(beforeShares: [$0[0]], beforeVector: [$0[3]])
    }
    try aggregation.mask()
    let opening = try #require(try aggregation.openings()[4])
    #expect(opening.count == aggregation.round.openingSize)
    let marks = stride(from: 0, to: opening.count, by: opening.count / 5).map { opening[$0] }
    #expect(marks == [0, 1, 1, 2, 1])
    let client = try #require(aggregation.clients[4])
    #expect(try client.opening(remaining: [13, 7, 4]) == opening)
    for other in [[4, 7, 10], [4, 7, 10, 13]] {
      #expect(throws: FederationError.openedOtherwise(client: 4, round: 7)) {
        try client.opening(remaining: other)
      }
    }
    #expect(try client.opening(remaining: [4, 7, 13]) == opening)
  }

  @Test func onlyThoseWhoSharedCanBeSaidToRemain() throws {
    var aggregation = try aggregation(members: 4, threshold: 2, count: 1, seed: 6) {
      .init(beforeShares: [$0[3]])
    }
    try aggregation.mask()
    let client = try #require(aggregation.clients[1])
    #expect(throws: FederationError.strangers([10], round: 7)) {
      try client.opening(remaining: [1, 4, 10])
    }
    #expect(throws: FederationError.gone(client: 1, round: 7)) {
      try client.opening(remaining: [4, 7])
    }
  }

  @Test func aChangedOpeningIsFound() throws {
    var aggregation = try aggregation(members: 4, threshold: 2, count: 1, seed: 8) {
      .init(beforeVector: [$0[3]])
    }
    try aggregation.mask()
    let openings = try aggregation.openings()
    func removal(changing place: Int) throws -> MaskRemoval {
      var changed = openings
      changed[4]?[place] ^= 1
      return try MaskRemoval(
        of: aggregation.round, remaining: aggregation.remaining,
        publicKeys: aggregation.publicKeys, openings: changed)
    }
    #expect(throws: FederationError.secret(of: 1, round: 7)) { try removal(changing: 5) }
    #expect(throws: FederationError.secret(of: 10, round: 7)) { try removal(changing: 131) }
    #expect(throws: FederationError.opening(client: 4, round: 7)) { try removal(changing: 33) }
  }

  @Test func badKeysAreAnErrorOfTheirOwner() throws {
    let round = try MaskedRound(number: 0, members: [0, 1], threshold: 2)
    // Too short, and a point with which every agreement is zero.
    for keys in [[UInt8](repeating: 9, count: 95), [UInt8](repeating: 0, count: 96)] {
      #expect(throws: FederationError.publicKeys(client: 1, round: 0)) {
        try MaskingClient(0, in: round).sealedShares(publicKeys: [1: keys])
      }
    }
  }

  @Test(arguments: [(1, 1), (256, 128)])
  func aRoundHasTwoTo255Clients(count: Int, threshold: Int) {
    #expect(throws: FederationError.memberCount(count)) {
      try MaskedRound(number: 0, members: Array(0..<count), threshold: threshold)
    }
  }

  @Test(arguments: [1, 4])
  func theThresholdIsTwoToAllOfThem(threshold: Int) {
    #expect(throws: FederationError.threshold(threshold, members: 3)) {
      try MaskedRound(number: 0, members: [0, 1, 2], threshold: threshold)
    }
  }
}
