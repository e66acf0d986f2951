// K clients, n samples, c shards of a client.

extension PartitionConfiguration {
  /// Deals samples to clients.
  ///
  /// - Parameters:
  ///   - sampleCount: n.
  ///   - labels: The class of each sample, any whole numbers; nil: they have none.
  ///   - clients: K.
  ///   - seed: Decides what is random.
  /// - Returns: The samples of each client, ascending. Each of 0 ..< n is there once, whatever the method.
  /// - Throws: `FederationError.noClasses`, `.tooFewSamples`.
  package func deal(
    sampleCount: Int, labels: [Int]?, toClients clients: Int, seed: UInt64
  ) throws(FederationError) -> [[Int]] {
    precondition(clients > 0, "there is at least one client")
    precondition(labels.map { $0.count == sampleCount } ?? true, "each sample has one label")
    let fewest = clients * fewestSamplesPerClient
    guard sampleCount >= fewest else {
      throw .tooFewSamples(sampleCount, clients: clients, needed: fewest)
    }
    let dealt =
      switch method {
      case .files:
        preconditionFailure("clients with files of their own are dealt nothing")
      case .even:
        Self.dealEvenly(Array(0..<sampleCount), to: clients, seed: seed)
      case .classes(let partition):
        Self.dealShards(
          of: try classes(of: labels, seed: seed), partition.classesPerClient, to: clients,
          seed: seed)
      case .dirichlet(let partition):
        Self.dealByProportions(
          try classes(of: labels, seed: seed), partition, to: clients, seed: seed)
      }
    return dealt.map { $0.sorted() }
  }

  private var fewestSamplesPerClient: Int {
    switch method {
    case .files, .even: 1
    case .classes(let partition): partition.classesPerClient
    case .dirichlet(let partition): partition.least
    }
  }

  /// The samples of each class, classes ascending, samples in random order.
  private func classes(of labels: [Int]?, seed: UInt64) throws(FederationError) -> [[Int]] {
    guard let labels else { throw .noClasses(partition: method.variantName) }
    return Dictionary(grouping: labels.indices) { labels[$0] }
      .sorted { $0.key < $1.key }.enumerated().map { number, entry in
        var draws = PartitionDraws(seed: seed, for: .order, of: number)
        return draws.shuffled(entry.value)
      }
  }

  private static func dealEvenly(_ samples: [Int], to clients: Int, seed: UInt64) -> [[Int]] {
    var draws = PartitionDraws(seed: seed, for: .order)
    return pieces(draws.shuffled(samples), count: clients)
  }

  /// K c shards of the samples sorted by class, c of them to each client at random.
  private static func dealShards(
    of classes: [[Int]], _ perClient: Int, to clients: Int, seed: UInt64
  ) -> [[Int]] {
    var draws = PartitionDraws(seed: seed, for: .shards)
    let shards = pieces(classes.flatMap(\.self), count: clients * perClient)
    let order = draws.shuffled(Array(shards.indices))
    return (0..<clients).map { client in
      order[client * perClient..<(client + 1) * perClient].flatMap { shards[$0] }
    }
  }

  /// Each class is cut at the places that its proportions add up to; then who has too few gets some.
  private static func dealByProportions(
    _ classes: [[Int]], _ partition: DirichletPartition, to clients: Int, seed: UInt64
  ) -> [[Int]] {
    var dealt = [[Int]](repeating: [], count: clients)
    for (number, samples) in classes.enumerated() {
      var draws = PartitionDraws(seed: seed, for: .proportions, of: number)
      let proportions = draws.dirichlet(count: clients, alpha: partition.alpha)
      var (share, begin) = (0.0, 0)
      for client in 0..<clients {
        share += proportions[client]
        // Rounding may leave the last share below 1.
        let isLast = client == clients - 1
        let end = isLast ? samples.count : min(samples.count, Int(share * Double(samples.count)))
        dealt[client] += samples[begin..<max(begin, end)]
        begin = max(begin, end)
      }
    }
    fill(&dealt, upTo: partition.least, seed: seed)
    return dealt
  }

  /// Moves samples, one at a time and any of them alike, from who has the most to who has fewer than `least`.
  private static func fill(_ dealt: inout [[Int]], upTo least: Int, seed: UInt64) {
    var draws = PartitionDraws(seed: seed, for: .filling)
    for client in dealt.indices {
      while dealt[client].count < least {
        // The first of the largest. There is enough: n is at least K times the least.
        let counts = dealt.map(\.count)
        guard let most = counts.max(), let richest = counts.firstIndex(of: most) else { return }
        let place = draws.number(below: most)
        dealt[richest].swapAt(place, most - 1)
        dealt[client].append(dealt[richest].removeLast())
      }
    }
  }

  /// Cuts a list into pieces that follow each other, of sizes that differ by one at most.
  private static func pieces(_ list: [Int], count: Int) -> [[Int]] {
    (0..<count).map { Array(list[list.count * $0 / count..<list.count * ($0 + 1) / count]) }
  }
}
