import LockstepSettings

/// There is something where a command was to write.
struct OutputExistsError: UserInputError {
  let path: String

  var description: String {
    "\(path): is there already; choose another --output, or replace it with --overwrite"
  }
}
