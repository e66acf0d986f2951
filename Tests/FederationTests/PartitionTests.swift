// K clients, n samples.

import LockstepFederation
import TestSupport
import Testing

@Suite struct PartitionTests {
  private static let methods: [PartitionConfiguration.Method] = [
    .even, .classes(ClassPartition()), .dirichlet(DirichletPartition()),
  ]

  /// Classes of unlike size, whose numbers have gaps.
  private func labels(_ count: Int, seed: UInt64 = 1) -> [Int] {
    var generator = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
      [-4, 0, 1, 2, 7, 1_000][min(5, generator.next().leadingZeroBitCount)]
    }
  }

  private func deal(
    _ method: PartitionConfiguration.Method, _ labels: [Int], clients: Int, seed: UInt64 = 3
  ) throws -> [[Int]] {
    try PartitionConfiguration(method).deal(
      sampleCount: labels.count, labels: labels, toClients: clients, seed: seed)
  }

  private func dirichlet(_ alpha: Double, least: Int = 1) -> PartitionConfiguration.Method {
    var partition = DirichletPartition()
    (partition.alpha, partition.least) = (alpha, least)
    return .dirichlet(partition)
  }

  private func classes(_ count: Int) -> PartitionConfiguration.Method {
    var partition = ClassPartition()
    partition.classesPerClient = count
    return .classes(partition)
  }

  @Test(arguments: [(1, 30), (3, 1_000), (7, 997), (50, 500)])
  func everySampleGoesToOneClient(clients: Int, count: Int) throws {
    let methods = [.even, classes(1), classes(3), dirichlet(0.01), dirichlet(0.5, least: 9)]
    for method in methods {
      for seed: UInt64 in 0..<5 {
        let dealt = try deal(method, labels(count), clients: clients, seed: seed)
        #expect(dealt.count == clients)
        #expect(dealt.allSatisfy { $0 == $0.sorted() })
        #expect(dealt.flatMap(\.self).sorted() == Array(0..<count), "\(method), seed \(seed)")
      }
    }
  }

  @Test func evenPiecesDifferByOneSampleAndNeedNoClasses() throws {
    let dealt = try PartitionConfiguration(.even).deal(
      sampleCount: 103, labels: nil, toClients: 10, seed: 0)
    #expect(Set(dealt.map(\.count)) == [10, 11])
    // At random, and not in order.
    #expect(dealt.allSatisfy { ($0.last ?? 0) - ($0.first ?? 0) > 20 })
  }

  @Test func aClientHasAsManyClassesAsItIsGiven() throws {
    // Ten classes of 60, so that shards of 30 are of one class each.
    let labels = (0..<600).map { $0 % 10 }
    for seed: UInt64 in 0..<20 {
      for client in try deal(classes(2), labels, clients: 10, seed: seed) {
        #expect(client.count == 60)
        #expect(Set(client.map { labels[$0] }).count <= 2)
      }
    }
    let counts = try deal(classes(2), labels, clients: 10).map {
      Set($0.map { labels[$0] }).count
    }
    #expect(counts.filter { $0 == 2 }.count >= 5)
  }

  @Test func nobodyHasFewerThanTheLeast() throws {
    for seed: UInt64 in 0..<20 {
      let dealt = try deal(dirichlet(0.05, least: 15), labels(400), clients: 20, seed: seed)
      #expect(dealt.allSatisfy { $0.count >= 15 })
      // All of them are needed.
      let exact = try deal(dirichlet(0.05, least: 20), labels(400), clients: 20, seed: seed)
      #expect(exact.allSatisfy { $0.count == 20 })
    }
  }

  @Test func aLargeAlphaIsNearlyEvenAndASmallOneGivesAClassToOneClient() throws {
    let labels = (0..<1_000).map { $0 % 2 }
    for client in try deal(dirichlet(1e6), labels, clients: 10) {
      #expect(abs(client.count - 100) <= 4)
      #expect(abs(client.filter { labels[$0] == 0 }.count - 50) <= 2)
    }
    let sizes = try deal(dirichlet(0.001), labels, clients: 10).map(\.count).sorted()
    #expect(sizes[8] + sizes[9] >= 992)
  }

  @Test func anotherSeedDealsOtherwiseAndTheSameOneTheSame() throws {
    for method in Self.methods {
      let first = try deal(method, labels(300), clients: 5, seed: 1)
      #expect(try deal(method, labels(300), clients: 5, seed: 1) == first)
      #expect(try deal(method, labels(300), clients: 5, seed: 2) != first)
    }
  }

  /// Whoever changes these changes the results of everybody's federated runs.
  @Test(
    arguments: zip(
      0..<3,
      [
        [50, 50, 50, 50, 267_495_117], [50, 50, 50, 50, 847_257_367],
        [54, 48, 26, 72, 282_907_061],
      ]))
  func partitionsKeepTheirBits(method: Int, expected: [Int]) throws {
    let labels = (0..<200).map { $0 * 7_919 % 10 }
    let dealt = try deal(Self.methods[method], labels, clients: 4, seed: 42)
    let checksum = dealt.joined().reduce(0) { ($0 &* 31 &+ $1) % 1_000_000_007 }
    #expect(dealt.map(\.count) + [checksum] == expected)
  }

  @Test func whatCanNotBeDealtIsAnError() throws {
    #expect(throws: FederationError.noClasses(partition: "dirichlet")) {
      try PartitionConfiguration(.dirichlet(DirichletPartition())).deal(
        sampleCount: 100, labels: nil, toClients: 2, seed: 0)
    }
    #expect(throws: FederationError.tooFewSamples(39, clients: 4, needed: 40)) {
      try deal(.dirichlet(DirichletPartition()), labels(39), clients: 4)
    }
    #expect(throws: FederationError.tooFewSamples(7, clients: 4, needed: 8)) {
      try deal(.classes(ClassPartition()), labels(7), clients: 4)
    }
    #expect(throws: FederationError.tooFewSamples(3, clients: 4, needed: 4)) {
      try deal(.even, labels(3), clients: 4)
    }
  }
}
