import COpenBLAS
import Communication
import Settings

/// OpenBLAS as this process found it.
///
/// OpenBLAS picks its kernels by processor when it is loaded, and other kernels give other bits:
/// all ranks of a run must have the same.
public struct ProductLibrary: Sendable, Equatable {
  /// The kernels' name, such as "Zen" or "SkylakeX".
  public let kernels: String
  /// Version and build options.
  public let version: String

  /// Asked once: OpenBLAS puts its description together anew each time, in memory that all threads
  /// share.
  public static let current = ProductLibrary(
    kernels: openblas_get_corename().map { String(cString: $0) } ?? "unknown",
    version: openblas_get_config().map { String(cString: $0) } ?? "unknown")

  /// Requires that all ranks have the kernels and the version of rank zero. Collective.
  ///
  /// - Throws: `AgreedError` with `MixedKernelsError`.
  public static func requireEqual(on communicator: any Communicator) throws {
    let own = current
    let first = try communicator.fromRankZero { Array((own.kernels + "\n" + own.version).utf8) }
    try communicator.agree {
      let parts = String(decoding: first, as: UTF8.self)
        .split(separator: "\n", maxSplits: 1).map(String.init)
      guard parts == [own.kernels, own.version] else {
        throw MixedKernelsError(
          rank: communicator.rank, own: "\(own.kernels) of \(own.version)",
          first: parts.joined(separator: " of "), kernels: parts.first ?? "")
      }
    }
  }
}

/// Ranks whose matrix products would differ in their last bits.
public struct MixedKernelsError: UserInputError, Equatable {
  public let rank: Int
  public let own: String
  public let first: String
  fileprivate let kernels: String

  public var description: String {
    """
    rank \(rank) multiplies matrices with OpenBLAS's kernels for \(own), rank 0 with those for \
    \(first): their bits differ. Set OPENBLAS_CORETYPE on all hosts to kernels that every processor \
    has, such as Haswell (mpirun -x OPENBLAS_CORETYPE=Haswell …), and the same OpenBLAS version
    """
  }
}
