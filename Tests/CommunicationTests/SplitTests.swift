import Foundation
import LockstepCommunication
import TestSupport
import Testing

@Suite struct SplitTests {
  struct Case: Sendable, CustomStringConvertible {
    var size: Int
    var ranksPerHost: Int
    /// The colour of each rank.
    var colors: [Int]
    var description: String { "\(size) ranks, \(ranksPerHost) a host, colours \(colors)" }
  }
  static let cases = [
    Case(size: 1, ranksPerHost: 1, colors: [0]),
    Case(size: 2, ranksPerHost: 2, colors: [0, 1]),
    Case(size: 4, ranksPerHost: 4, colors: [0, 0, 1, 1]),
    Case(size: 4, ranksPerHost: 2, colors: [0, 1, 0, 1]),
    Case(size: 5, ranksPerHost: 2, colors: [3, 3, 3, 1, 1]),
    Case(size: 6, ranksPerHost: 3, colors: [1, 0, 1, 1, 0, 0]),
  ]

  /// The hash of a reduction over a group, which tells the group's colour by its gradients.
  private static func reduce(_ communicator: any Communicator, color: Int) throws -> UInt64 {
    let count = 70_001
    let reduction = try CanonicalReduction(
      communicator: communicator, elementCount: count, leafCount: 7)
    let parameters = try SharedParameters(communicator: communicator, elementCount: count)
    for leaf in reduction.ownedLeaves {
      let buffer = reduction.leafBuffer
      for element in buffer.indices {
        buffer[element] = NaiveReduction.leafValue(
          seed: UInt64(color), leaf: leaf, element: element)
      }
      reduction.fold(scalars: [])
    }
    let gradient = try reduction.reduce()
    for part in gradient.parts {
      for element in part { parameters.values[element] = gradient.values[element] }
    }
    try parameters.share()
    return NaiveReduction.hash(parameters.values)
  }

  @Test(arguments: cases)
  func groupsComputeByThemselvesAndThenTogether(_ test: Case) throws {
    let group = try InProcessGroup(size: test.size, ranksPerHost: test.ranksPerHost)
    let hashes = try group.run { communicator in
      let color = test.colors[communicator.rank]
      let part = try communicator.split(color: color)
      let members = test.colors.indices.filter { test.colors[$0] == color }
      #expect(part.size == members.count && members[part.rank] == communicator.rank)
      // Groups of unequal numbers of collectives do not wait for each other.
      for _ in 0...color { try part.barrier() }
      let gathered = try part.allGather([Double(communicator.rank)])
      #expect(gathered == members.map { [Double($0)] })
      var bytes = [UInt8(communicator.rank)]
      try bytes.withUnsafeMutableBytes { try part.broadcast($0, from: part.size - 1) }
      #expect(bytes == [UInt8(members[members.count - 1])])
      var sums = [Float](repeating: Float(communicator.rank), count: 10)
      try sums.withUnsafeMutableBufferPointer { try part.allReduceSum($0) }
      #expect(sums == Array(repeating: Float(members.reduce(0, +)), count: 10))
      let hash = try Self.reduce(part, color: color)
      // All ranks still meet as before.
      #expect(try communicator.allGather([1]).count == test.size)
      return hash
    }
    for (rank, color) in test.colors.enumerated() {
      let expected = NaiveReduction.gradient(
        seed: UInt64(color), leafCount: 7, elementCount: 70_001)
      #expect(hashes[rank] == NaiveReduction.hash(expected))
    }
  }

  @Test func anErrorInOneGroupEndsTheOthers() throws {
    struct Misfortune: Error {}
    let group = try InProcessGroup(size: 4)
    #expect(throws: Misfortune.self) {
      _ = try group.run { communicator in
        let part = try communicator.split(color: communicator.rank / 2)
        if communicator.rank == 3 { throw Misfortune() }
        try part.barrier()
        try communicator.barrier()
      }
    }
  }
}
