/// The signature of a collective: what every rank must agree on before it begins.
public struct CollectiveCall: Equatable, Sendable {
  /// The kinds of collectives. Raw values travel between processes.
  public enum Kind: UInt32, Sendable {
    case barrier = 1
    case broadcast
    case allGather
    case allocateShared
    case exchange
    case reduce
    case finishReduce
    case locateNonFinite
    case allReduce
    case share
    case gather
    case scatter
    case finish
    case split
  }

  public let kind: Kind
  /// Bytes that the collective is about; 0 where it is about none.
  public let byteCount: Int
  /// The rank that data comes from or goes to; -1 where there is none.
  public let root: Int

  public init(_ kind: Kind, byteCount: Int = 0, root: Int = -1) {
    self.kind = kind
    self.byteCount = byteCount
    self.root = root
  }
}

extension CollectiveCall: CustomStringConvertible {
  public var description: String {
    var details: [String] = []
    if byteCount > 0 { details.append("\(byteCount) bytes") }
    if root >= 0 { details.append("root \(root)") }
    return "\(kind)(\(details.joined(separator: ", ")))"
  }
}
