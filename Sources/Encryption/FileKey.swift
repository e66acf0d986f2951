import LockstepFiles
import LockstepKeys

/// The key by which a program reads encrypted files, and writes encrypted checkpoints: one for the process.
///
///     try FileKey.use(.file("run.key"))
public enum FileKey {
  /// Reads a key, and uses it from now on. Each process, of every rank, calls this before it opens a file.
  ///
  /// - Parameter source: Where the key is.
  /// - Throws: `KeyError` where it can not be read; then nothing is changed.
  public static func use(_ source: KeySource) throws(KeyError) {
    let cipher = KeyedCipher(source)
    _ = try cipher.key()
    EncryptedFiles.install(cipher)
  }
}
