/// An error that the user's input caused: the command line prints its description and exits with 2.
public protocol UserInputError: Error, CustomStringConvertible {}
