import CLockstepKernels
import LockstepReporting

extension Provenance {
  /// Of this program, on this processor.
  public static var current: Provenance {
    Provenance(
      version: "0.1.0-dev",
      compiler: "Swift \(swiftVersion), \(String(cString: CKernels_compiler()))",
      processorLevel: String(cString: CKernels_processorLevel()))
  }

  /// The first lines of a run's `config.yaml`. They are comments, and so no part of what two
  /// configurations are compared by: a run goes on under another version.
  var comment: String {
    description.split(separator: "\n").map { "# \($0)\n" }.joined() + "\n"
  }

  /// Swift can ask whether its version is at least some number, and no more: a compiler newer than
  /// this list counts as its last line. The revision of the C compiler, which comes with Swift's, tells
  /// them apart.
  private static var swiftVersion: String {
    #if compiler(>=6.5)
      "6.5 or newer"
    #elseif compiler(>=6.4)
      "6.4"
    #elseif compiler(>=6.3)
      "6.3"
    #else
      "6.2"
    #endif
  }
}
