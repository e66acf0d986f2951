import ArgumentParser
import LockstepFiles

extension ParsableCommand {
  /// Refuses a name for a file that is to be written whole, before anything is computed.
  ///
  /// - Parameter output: Nil: the results go elsewhere.
  /// - Throws: `ValidationError` where something is there that is no file, as a device.
  func requirePlace(forOutput output: String?) throws {
    guard let output else { return }
    do {
      try AtomicFile.requirePlace(for: output)
    } catch {
      throw ValidationError("--output \(error)")
    }
  }
}
