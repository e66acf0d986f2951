// B sequences, T positions, D width, H heads, G heads of keys and values, K head width.

import LockstepTensors

/// The number and width of the heads of an attention.
public struct AttentionHeads: Sendable, Equatable {
  /// H.
  public let count: Int
  /// G, a divisor of H.
  public let keyValueCount: Int
  /// K.
  public let width: Int

  /// - Parameters:
  ///   - count: H.
  ///   - keyValueCount: G, a divisor of H: each of these heads serves H / G heads of queries
  ///     (grouped-query attention, Ainslie et al., 2023). Default: H.
  ///   - width: K.
  public init(count: Int, keyValueCount: Int? = nil, width: Int) {
    let keyValueCount = keyValueCount ?? count
    precondition(
      count > 0 && keyValueCount > 0 && count.isMultiple(of: keyValueCount) && width > 0,
      "\(keyValueCount) heads of keys do not serve \(count) heads of \(width) columns")
    self.count = count
    self.keyValueCount = keyValueCount
    self.width = width
  }

  /// H · K, columns of all queries.
  public var queryColumns: Int { count * width }
  /// G · K, columns of all keys, and of all values.
  public var keyValueColumns: Int { keyValueCount * width }
}

/// How self-attention makes queries, keys and values of its input.
public protocol AttentionProjections: Module {
  /// - Parameter x: [B, T, D].
  /// - Returns: H heads of queries, G of keys and of values, each over [B, T, K].
  func callAsFunction(_ x: Tensor, heads: AttentionHeads) -> ProjectedHeads

  /// Whether the input is a factor of products and nothing else.
  var multipliesOnly: Bool { get }
}

/// What attention takes.
public struct ProjectedHeads {
  public var queries: Heads
  public var keys: Heads
  public var values: Heads

  public init(queries: Heads, keys: Heads, values: Heads) {
    self.queries = queries
    self.keys = keys
    self.values = values
  }
}

/// One linear layer for queries, keys and values side by side.
public struct JointProjection: AttentionProjections {
  public let joint: Linear

  /// - Parameter joint: From D to (H + 2 G) · K.
  public init(_ joint: Linear) {
    self.joint = joint
  }

  public var multipliesOnly: Bool { joint.multipliesOnly }

  public func callAsFunction(_ x: Tensor, heads: AttentionHeads) -> ProjectedHeads {
    let projected = joint(x)  // [B, T, (H + 2G) · K]
    let (queryColumns, columns) = (heads.queryColumns, heads.keyValueColumns)
    func part(from offset: Int, count: Int) -> Heads {
      Heads(projected, offset: offset, count: count, width: heads.width)
    }
    return ProjectedHeads(
      queries: part(from: 0, count: heads.count),
      keys: part(from: queryColumns, count: heads.keyValueCount),
      values: part(from: queryColumns + columns, count: heads.keyValueCount))
  }
}

/// A linear layer each for queries, keys and values.
public struct SeparateProjections: AttentionProjections {
  /// Which projection comes first. The gradient of the input is added up in the opposite order:
  /// a part of the bits.
  public enum Order: Sendable {
    case queriesKeysValues
    case keysValuesQueries
  }

  public let queries: Linear
  public let keys: Linear
  public let values: Linear
  let order: Order

  /// - Parameters:
  ///   - queries: From D to H · K.
  ///   - keys: From D to G · K.
  ///   - values: From D to G · K.
  ///   - order: Default: queries, keys, values.
  public init(
    queries: Linear, keys: Linear, values: Linear, order: Order = .queriesKeysValues
  ) {
    self.queries = queries
    self.keys = keys
    self.values = values
    self.order = order
  }

  public var multipliesOnly: Bool { [queries, keys, values].allSatisfy(\.multipliesOnly) }

  public func callAsFunction(_ x: Tensor, heads: AttentionHeads) -> ProjectedHeads {
    func split(_ projected: Tensor, count: Int) -> Heads {
      Heads(projected, count: count, width: heads.width)
    }
    switch order {
    case .queriesKeysValues:
      let queries = split(self.queries(x), count: heads.count)
      let keys = split(self.keys(x), count: heads.keyValueCount)
      let values = split(self.values(x), count: heads.keyValueCount)
      return ProjectedHeads(queries: queries, keys: keys, values: values)
    case .keysValuesQueries:
      let keys = split(self.keys(x), count: heads.keyValueCount)
      let values = split(self.values(x), count: heads.keyValueCount)
      let queries = split(self.queries(x), count: heads.count)
      return ProjectedHeads(queries: queries, keys: keys, values: values)
    }
  }
}
