/// Which program computed, on what: it decides no bits, and tells where to look when they differ.
public struct Provenance: Codable, Equatable, Sendable {
  /// Lockstep's version.
  public var version: String
  /// The compilers that Lockstep was built with: of Swift, and of the kernels in C.
  public var compiler: String
  /// The processor level that the kernels were chosen for, on rank zero: `x86-64-v3`.
  public var processorLevel: String

  public init(version: String, compiler: String, processorLevel: String) {
    self.version = version
    self.compiler = compiler
    self.processorLevel = processorLevel
  }

  enum CodingKeys: String, CodingKey {
    case version, compiler
    case processorLevel = "processor_level"
  }
}

extension Provenance: CustomStringConvertible {
  /// One line for each, as `lockstep --version` prints them.
  public var description: String {
    """
    Lockstep         \(version)
    compiler         \(compiler)
    processor level  \(processorLevel)
    """
  }
}
