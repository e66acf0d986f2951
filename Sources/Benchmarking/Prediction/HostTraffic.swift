// M leaves of the tree, N ranks, P elements.

import LockstepCommunication

/// What the hosts send each other in one reduction, and how long that takes on links of one speed.
///
/// A host's leaves make up nodes of the tree; it sends them for every element that another host owns, from
/// the end of each slice to its begin, as a backward pass makes them final. Then each host sends what it
/// owns to all others.
struct HostTraffic {
  /// What each host owns of the flat buffer.
  private let slices: [Range<Int>]
  /// How many nodes each host sends of an element.
  private let nodeCounts: [Int]
  /// How nodes travel.
  private let format: WireFormat

  /// - Parameters:
  ///   - hosts: The ranks of each host, together 0 ..< N.
  ///   - leafCount: M, at least N.
  ///   - elementCount: P.
  ///   - format: How nodes travel.
  init(hosts: [Range<Int>], leafCount: Int, elementCount: Int, format: WireFormat) {
    let size = hosts.last?.upperBound ?? 0
    let partition = SlicePartition(elementCount: elementCount, size: size)
    let tree = CanonicalTree(leafCount: leafCount)
    let division = LeafDivision(leafCount: leafCount, size: size)
    slices = hosts.map {
      partition.slice(of: $0.lowerBound)
        .lowerBound..<partition.slice(of: $0.upperBound - 1).upperBound
    }
    nodeCounts = hosts.map { tree.nodes(covering: division.leaves(of: $0)).count }
    self.format = format
  }

  private var elementCount: Int { slices.last?.upperBound ?? 0 }

  /// The most that a host sends or receives of gradients.
  var gradientBytes: Int {
    let nodes = nodeCounts.reduce(0, +)
    return slices.indices.map { host in
      max(
        nodeCounts[host] * format.byteCount(elementCount - slices[host].count),
        (nodes - nodeCounts[host]) * format.byteCount(slices[host].count))
    }.max() ?? 0
  }

  /// The most that a host sends or receives of parameters.
  var parameterBytes: Int {
    let others = slices.count - 1
    return slices.map { 4 * max(others * $0.count, elementCount - $0.count) }.max() ?? 0
  }

  /// What is left of the gradients' way when a backward pass during which they travel is over, in seconds.
  ///
  /// All of a host's slices for others travel side by side, so that they begin when the end of the first
  /// one is final. So nearly everything travels while the gradients of the first host's slice are computed.
  ///
  /// - Parameters:
  ///   - bytesPerSecond: Of a link, in each direction.
  ///   - backward: Seconds of the backward pass.
  func exposedGradientSeconds(
    bytesPerSecond: Double, timeline: GradientTimeline, backward: Double
  ) -> Double {
    let nodes = nodeCounts.reduce(0, +)
    let ways =
      slices.indices.map { host in
        // What a host sends goes by the first slice of another.
        let paced = slices[host == 0 ? 1 : 0]
        let others = format.byteCount(elementCount - slices[host].count)
        let sent = Double(nodeCounts[host] * others)
        return (paced, sent)
      } + [(slices[0], Double((nodes - nodeCounts[0]) * format.byteCount(slices[0].count)))]
    return ways.map { slice, bytes in
      guard !slice.isEmpty else { return max(0, bytes / bytesPerSecond - backward) }
      var (end, left) = (0.0, slice.upperBound)
      for point in timeline.points where point.first < left {
        let first = max(point.first, slice.lowerBound)
        guard first < left else { break }
        let part = bytes * Double(left - first) / Double(slice.count)
        end = max(end, point.share * backward) + part / bytesPerSecond
        left = first
      }
      return max(0, end - backward)
    }.max() ?? 0
  }
}
