// M leaves of the tree, N ranks, P elements.

import LockstepCommunication

/// What the hosts send each other in one reduction, and how long that takes on links of one speed.
///
/// A host's leaves make up nodes of the tree; it sends them for every element that another host owns, from
/// the end of the buffer to its begin, as a backward pass makes them final. Then each host sends what it
/// owns to all others.
struct HostTraffic {
  /// How many elements of the flat buffer each host owns.
  private let counts: [Int]
  /// The elements in whose pace each host's messages follow a backward pass, and those that it gets.
  private let paces: [(sent: Range<Int>, received: Range<Int>)]
  private let elementCount: Int
  /// How many nodes each host sends of an element.
  private let nodeCounts: [Int]
  /// How nodes travel.
  private let format: WireFormat

  /// - Parameters:
  ///   - hosts: The ranks of each host, together 0 ..< N.
  ///   - leafCount: M, at least N.
  ///   - elementCount: P.
  ///   - format: How nodes travel.
  ///   - layout: Where in the buffer each rank's parts lie.
  init(
    hosts: [Range<Int>], leafCount: Int, elementCount: Int, format: WireFormat,
    layout: SlicePartition.Layout
  ) {
    let size = hosts.last?.upperBound ?? 0
    let partition = SlicePartition(
      elementCount: elementCount, size: size, layout: layout)
    let tree = CanonicalTree(leafCount: leafCount)
    let division = LeafDivision(leafCount: leafCount, size: size)
    let owned = hosts.map { $0.flatMap(partition.parts) }
    counts = owned.map { $0.reduce(0) { $0 + $1.count } }
    // All of a host's slices for others travel side by side, so that they begin when the end of the first one
    // is final. Parts all over the buffer are final as it is.
    let spans = owned.map { ($0.first?.lowerBound ?? 0)..<($0.last?.upperBound ?? 0) }
    paces = hosts.indices.map { host in
      (spans[host == 0 ? min(1, hosts.count - 1) : 0], spans[host])
    }
    self.elementCount = elementCount
    nodeCounts = hosts.map { tree.nodes(covering: division.leaves(of: $0)).count }
    self.format = format
  }

  /// The most that a host sends or receives of gradients.
  var gradientBytes: Int {
    let nodes = nodeCounts.reduce(0, +)
    return counts.indices.map { host in
      max(
        nodeCounts[host] * format.byteCount(elementCount - counts[host]),
        (nodes - nodeCounts[host]) * format.byteCount(counts[host]))
    }.max() ?? 0
  }

  /// The most that a host sends or receives of parameters.
  var parameterBytes: Int {
    let others = counts.count - 1
    return counts.map { 4 * max(others * $0, elementCount - $0) }.max() ?? 0
  }

  /// How long a forward pass waits for parameters that travel while it goes on, in seconds.
  ///
  /// Both go through the buffer from its begin: the first turn is waited for, and what the pass is faster than
  /// the link.
  ///
  /// - Parameters:
  ///   - bytesPerSecond: Of a link, in each direction.
  ///   - forward: Seconds of the forward pass; 0 where nothing travels meanwhile.
  func exposedParameterSeconds(bytesPerSecond: Double, forward: Double) -> Double {
    let seconds = Double(parameterBytes) / bytesPerSecond
    return max(seconds / Double(SlicePartition.mostStretches), seconds - forward)
  }

  /// What is left of the gradients' way when a backward pass during which they travel is over, in seconds.
  ///
  /// - Parameters:
  ///   - bytesPerSecond: Of a link, in each direction.
  ///   - backward: Seconds of the backward pass.
  func exposedGradientSeconds(
    bytesPerSecond: Double, timeline: GradientTimeline, backward: Double
  ) -> Double {
    let nodes = nodeCounts.reduce(0, +)
    let ways =
      counts.indices.map { host in
        (paces[host].sent, nodeCounts[host] * format.byteCount(elementCount - counts[host]))
      } + [(paces[0].received, (nodes - nodeCounts[0]) * format.byteCount(counts[0]))]
    return ways.map { slice, count in
      let bytes = Double(count)
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
